//! The payment service with everything real around it: its database, the broker, Stripe's API over HTTP.
#![expect(clippy::unwrap_used, reason = "tests")]

mod breaking;
mod browsers;
mod crashing;
mod disputes;
mod ledger;
mod paying;
mod reconciling;
mod refunds;
mod refusing;
mod remembering;
mod settling;
mod till;
mod traces;
mod webhooks;
