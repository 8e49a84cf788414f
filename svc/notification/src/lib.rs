//! The notification service: it mails people what other services publish.
//!
//! A mail is requested in the transaction that consumes its event, once for each key; a worker sends it. The marketplace works
//! while mail is down.

mod api;
mod command;
mod composition;
mod domain;
mod events;
mod jobs;
mod metrics;
mod service;
mod settings;
mod smtp;
mod store;
mod use_cases;

pub use api::{Api, App};
pub use command::Command;
pub use service::Notification;
pub use settings::{KeyFlag, Settings, SmtpUrlFlag};
pub use smtp::SmtpUrl;
