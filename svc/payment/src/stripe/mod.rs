//! Stripe over HTTP, in both directions.

mod breaker;
mod charge;
mod client;
mod create_intent;
mod error;
mod funds;
mod intents;
mod rate_limit;
mod signature;
mod transport;
mod webhook_receiver;

pub(crate) use client::StripeClient;
pub(crate) use signature::SigningSecrets;
pub(crate) use webhook_receiver::WebhookReceiver;
