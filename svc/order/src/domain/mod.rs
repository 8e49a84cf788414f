//! State machines and values: orders, refunds, listings. No SQL, no HTTP, no clock.

mod change;
mod listing;
mod order;
mod refund;
mod withdrawal;

pub(crate) use change::Change;
pub(crate) use listing::{Listing, NotOnSale};
pub(crate) use order::{
    AfterSale, CannotApplyPayment, CannotCancel, CannotPlace, CannotRefund, DisplayStatus, Order, OrderState,
    RefundedTickets, ReversedPayment,
};
pub(crate) use refund::{AlreadyDecided, Refund, RefundReason, RefundRequest, RefundState};
pub(crate) use withdrawal::WithdrawalProgress;
