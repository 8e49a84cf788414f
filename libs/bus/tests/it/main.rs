//! Tests of the bus with a real RabbitMQ: the one at `AMQP_URL`, or else the one started by `scripts/broker start`. Each
//! test deletes its namespace at its end.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod batches;
mod broker_limits;
mod broker_node;
mod delivery;
mod failures;
mod headers;
mod outages;
mod permissions;
mod raw_broker;
mod recovery;
mod tcp_proxy;
mod test_env;
mod timers;
mod tls;
mod update_from_0_1;
