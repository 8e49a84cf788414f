//! The ticket service: listings of tickets, and the search of them.
//!
//! It owns the listings and keeps a replica of orders, from which it derives how many tickets are held and sold. The order
//! service decides who gets the last ticket. See `README.md`.

mod api;
mod domain;
mod events;
mod jobs;
mod metrics;
mod service;
mod settings;
mod store;
#[cfg(test)]
mod test_support;
mod use_cases;

pub use service::Ticket;
pub use settings::{AdmissionKeyFlag, Settings};
