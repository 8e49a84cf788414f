//! The bus against a real RabbitMQ: the one that `AMQP_URL` names, or else the one of `scripts/broker start`. Each test
//! has a namespace of its own and deletes it at its end.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod broker;
mod delivery;
mod failures;
mod journal;
mod outages;
mod proxy;
mod timers;
mod town;
