//! Every SQL statement.

mod bounded_reads;
mod captured_funds;
mod card_attempts;
mod closures;
mod columns;
mod disputes;
mod invariants;
mod ledger;
mod orders;
mod payments;
mod recovery_gap;
mod refunds;
mod stripe_events;

pub(crate) use bounded_reads::BOUNDED_READS;
pub(crate) use captured_funds::{
    before_disputable, captured_funds, follow_ups_due, insert_captured_funds, refund_summary, request_check,
    request_checks, update_captured_funds,
};
pub(crate) use card_attempts::{attempts_of_buyer, attempts_of_order, insert_declined_charge};
pub(crate) use closures::{erase_user, has_open_balance, has_open_disputes, has_open_payments, has_open_refunds};
pub(crate) use disputes::{disputes_of, upsert_dispute};
pub(crate) use invariants::INVARIANTS;
pub(crate) use ledger::{
    LedgerRow, PayoutRow, account_balances, append_to_ledger, captured_sale, insert_payout, ledger_balances,
    ledger_rows, payout_of_reference, payouts_of_seller, seller_balances,
};
pub(crate) use orders::{fill_in_seller, order, trace_of_order, upsert_order};
pub(crate) use payments::{
    checks_due, count_payments, count_payments_in_trouble, increment_version, insert_payment, is_any_ledger_missing,
    live_payment, look_ups_due, movements_due, newest_payment_at, oldest_unanswered_at, payment, payment_of_intent,
    payment_started_by, payments_after, payments_of_buyer, payments_started_since, payments_without_ledger,
    undecided_payments, update_payment,
};
pub(crate) use recovery_gap::{checks_after, delete_recovery_gap, insert_recovery_gap, recovery_gap, set_checks_after};
pub(crate) use refunds::{
    insert_refund, oldest_requested_refund_at, refund, refund_at_stripe, refund_due, refunds_due, refunds_of,
    update_refund,
};
pub(crate) use stripe_events::{insert_stripe_event, purge_stripe_events};
