//! Runs one service in a test, with its real surroundings: a database file, an HTTP port, the broker, access tokens.
//!
//! ```ignore
//! let env = TestEnv::new().await;
//! let orders = env.start::<Orders>(Settings::default()).await;
//! let (_, buyer) = env.user(&orders);
//! env.publish("ticket", Event::TicketCreated(ticket)).await;
//! buyer.post("/api/v1/orders", json!({"ticketId": id})).await.expect(201);
//! env.wait_for_event(|event| matches!(event, Event::OrderCreated(_))).await;
//! ```
//!
//! It is a dependency of tests and of `tools/torture` only. A failed expectation panics.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test fails by panicking"
)]

mod broker;
mod client;
mod plans;
mod smtp_sink;
mod tcp_proxy;
mod test_env;

pub use broker::{amqp_url, amqp_url_with_password};
pub use client::{Client, Reply};
pub use reqwest::Method;
pub use smtp_sink::{ReceivedMail, SmtpFault, SmtpSink};
pub use tcp_proxy::{Flow, TcpProxy};
pub use test_env::{RunningService, TestEnv, eventually};
