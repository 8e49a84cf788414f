//! Every SQL statement.

mod captured_funds;
mod columns;
mod disputes;
mod invariants;
mod ledger;
mod orders;
mod payments;
mod recovery_gap;
mod refunds;
mod stripe_events;

pub(crate) use captured_funds::{gone, look_after, look_after_all, take, taking, to_look_after, update_taking};
pub(crate) use disputes::{disputes_of, keep_dispute};
pub(crate) use invariants::INVARIANTS;
pub(crate) use ledger::{Line, accounts, append, balance, booked, lines, taken};
pub(crate) use orders::{adopt, bill, learn_seller, trace_of_order};
pub(crate) use payments::{
    began_since, count_version, in_trouble, insert, live, longest_unsettled, newest, of_buyer, of_intent, page,
    payment, started_by, tally, unsettled, update, waiting_for_order, without_books,
};
pub(crate) use recovery_gap::{amnesia, forget_amnesia, keep_amnesia};
pub(crate) use refunds::{
    insert_refund, oldest_asked, refund, refund_at_stripe, refund_to_ask_for, refunds_of, update_refund,
};
pub(crate) use stripe_events::{forget, is_new};
