//! The payment service with a real database, broker and HTTP, and the Stripe simulator.
#![expect(clippy::unwrap_used, reason = "tests")]

mod audit_log;
mod browser_payments;
mod card_limits;
mod closures;
mod crashes;
mod disputes;
mod ledger;
mod outages;
mod payments;
mod personal_data;
mod rate_limits;
mod reconciliation;
mod recovery;
mod refunds;
mod refusals;
mod settlement;
mod test_app;
mod traces;
mod webhooks;
