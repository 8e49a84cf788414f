//! One function per verb, over a transaction.

mod apply_stripe_refunds;
mod audit_entries;
mod check_cards;
mod decide_closure;
mod pay_order;
mod record_follow_up;
mod record_payout;
mod record_refund_result;
mod record_stripe_event;
mod record_stripe_result;
mod request_refund;
mod request_release;
mod restore_payment;
#[cfg(test)]
mod tests;
mod update_ledger;
mod update_order;

pub(crate) use decide_closure::CLOSURE_POLICY;
pub(crate) use pay_order::{PayOrder, PayOrderError, pay_order};
pub(crate) use record_follow_up::{postpone_follow_up, record_follow_up};
pub(crate) use record_payout::{Payout, PayoutError, record_payout};
pub(crate) use record_refund_result::record_refund_result;
pub(crate) use record_stripe_event::record_stripe_event;
pub(crate) use record_stripe_result::record_stripe_result;
pub(crate) use request_refund::request_refund;
pub(crate) use request_release::request_release;
pub(crate) use restore_payment::{RestoreOutcome, restore_payment};
pub(crate) use update_ledger::open_missing_ledgers;
pub(crate) use update_order::update_order;
