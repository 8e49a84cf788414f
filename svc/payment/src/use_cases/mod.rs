//! One function per verb, over a transaction.

mod book;
mod follow_order;
mod follow_refunds;
mod pay;
mod record_follow_up;
mod record_refund_result;
mod record_stripe_event;
mod record_stripe_result;
mod request_refund;
mod restore_payment;
#[cfg(test)]
mod tests;

pub(crate) use book::catch_up;
pub(crate) use follow_order::adopt;
pub(crate) use pay::{Pay, PayError, pay};
pub(crate) use record_follow_up::{record_aftermath, unanswered};
pub(crate) use record_refund_result::record_refund;
pub(crate) use record_stripe_event::note;
pub(crate) use record_stripe_result::keep;
pub(crate) use request_refund::ask_refund;
pub(crate) use restore_payment::{Remembered, remember};
