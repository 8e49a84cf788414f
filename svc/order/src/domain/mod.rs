//! State machines and values: orders, refunds, listings. No SQL, no HTTP, no clock.

mod after_sale;
mod buyer_limits;
mod change;
mod display_status;
mod listing;
mod order;
mod order_limits;
mod refund;
mod withdrawal_progress;

pub(crate) use after_sale::{AfterSale, RefundedTickets, ReversedPayment};
pub(crate) use buyer_limits::{Allowance, BuyerHistory, BuyerLimit};
pub(crate) use change::Change;
pub(crate) use display_status::DisplayStatus;
pub(crate) use listing::{Listing, NotAsSeen, NotOnSale, SecondFactorRequired, SeenListing};
pub(crate) use order::{CannotCancel, CannotPlace, CannotRefund, Order, OrderState};
pub(crate) use order_limits::OrderLimits;
pub(crate) use refund::{AlreadyDecided, MAX_REFUNDS, Refund, RefundReason, RefundRequest, RefundState};
pub(crate) use withdrawal_progress::WithdrawalProgress;
