//! Stripe over HTTP, both ways.

mod authorize;
mod breaker;
mod client;
mod error;
mod follow_up;
mod instrument;
mod list;
mod signature;
mod webhook_receiver;

pub(crate) use client::Stripe;
pub(crate) use signature::Signers;
pub(crate) use webhook_receiver::Mailbox;
