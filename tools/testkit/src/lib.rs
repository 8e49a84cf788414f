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
mod kit;
mod wire;

pub use broker::{amqp_url, raw_url};
pub use client::{Client, Reply};
pub use kit::{RunningService, TestEnv, eventually};
pub use reqwest::Method;
pub use wire::TcpProxy;
