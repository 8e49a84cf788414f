//! A model of payments: one order, up to two payment attempts, Stripe, the clock, and the messages between them, which
//! can be late, repeated or lost. The tests of this crate explore it exhaustively; the crate contains nothing else.
//!
//! * `order_service`, `payment_service`: the real services. A step runs the service's own use case with its SQL,
//!   triggers and constraints (`service_model`), in a database in memory (`database`).
//! * `messages`: the events that the services publish.
//! * `stripe`: the part of Stripe that matters here: intents, idempotency keys, refunds.
//! * `state`, `system`, `actions`: the state of everything together, and every action that can follow.
//! * `settlement`: the conditions that must hold once nothing disturbs the system any more.
//!
//! The scope, the limits, and how to read a counter-example: `docs/adr/0038-every-interleaving.md`.
#![cfg(test)]

mod actions;
mod database;
mod ids;
mod interner;
mod message_content;
mod messages;
mod order_service;
mod payment_service;
mod service_model;
mod settlement;
mod state;
mod stripe;
mod system;
mod tests;
