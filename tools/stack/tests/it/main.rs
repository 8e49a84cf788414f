//! End-to-end tests: all services, the Stripe simulator, the broker, HTTP and the databases are real.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod stripe;
#[path = "../support/mod.rs"]
mod support;
mod test_app;
mod user;

mod broker_outages;
mod browser_payments;
mod checkout_pages;
mod clock_set_back;
mod concurrency;
mod crashes;
mod demo;
mod dev_command;
mod documents;
mod ended_sessions;
mod free_tickets;
mod hang_ups;
mod http_surface;
mod mail_pages;
mod operations;
mod parameter_schemas;
mod refunds;
mod requests;
mod restarts;
mod schemas;
mod seed_faults;
mod storage;

use testkit::{Client, Reply, TcpProxy, amqp_url, eventually};
