//! For tests of one service with everything real around it: its database file, its HTTP port, the broker.
//!
//! ```ignore
//! let kit = TestEnv::new().await;
//! let orders = kit.start::<Orders>(Settings::default()).await;
//! let (_, buyer) = kit.user(&orders);
//! kit.publish("ticket", Event::TicketCreated(ticket)).await;
//! buyer.post("/api/v1/orders", json!({"ticketId": id})).await.expect(201);
//! kit.wait_for_event(|event| matches!(event, Event::OrderCreated(_))).await;
//! ```
//!
//! Only tests depend on it, so a broken expectation panics.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test fails by panicking"
)]

mod broker;
mod client;
mod tcp_proxy;
mod test_env;

pub use broker::{amqp_url, amqp_url_with_password};
pub use client::{Client, Reply};
pub use reqwest::Method;
pub use tcp_proxy::TcpProxy;
pub use test_env::{RunningService, TestEnv, eventually};
