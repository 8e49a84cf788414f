//! A model of the money: one order, up to two attempts to pay it, Stripe, the clock, and everything in between that may
//! come late, twice, or never. It is explored exhaustively by the tests of this crate; there is nothing else in it.
//!
//! * `lab`: the real order service and the real payment service, each a function from the rows of its database and what
//!   it hears to other rows and what it says. Rules, SQL, triggers and constraints are those of production.
//! * `bank`: Stripe, as far as it matters: intents, idempotency keys, refunds.
//! * `world`: all of it together, and every step that can come next.
//! * `rest`: what must be true in the end, if nothing disturbs any more.
//!
//! What is explored, what is not, and how to read a counter-example: `docs/adr/0038-every-interleaving.md`.
#![cfg(test)]

mod bank;
mod lab;
mod names;
mod rest;
mod services;
mod tests;
mod world;
