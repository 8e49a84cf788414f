//! From end to end: all services, the Stripe simulator, the broker and HTTP are real, and so are the databases.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod browsers;
mod child;
mod crowds;
mod demo;
mod dev;
mod documents;
mod free;
mod home;
mod killed;
mod operations;
mod outages;
mod person;
mod refunds;
mod restarts;
mod storage;
mod town;
mod wrongs;

use testkit::{Client, Reply, TcpProxy, amqp_url, eventually};
