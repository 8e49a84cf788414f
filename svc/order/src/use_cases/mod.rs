//! The use cases, one per file: synchronous functions over a transaction.

mod apply_payment;
mod apply_reversal;
mod cancel_order;
mod confirm_order;
mod continue_withdrawal;
mod decide_closure;
mod decide_refund;
mod expire_order;
mod place_order;
mod refund_sale;
mod request_refund;
mod retry_withdrawal;
mod save;
#[cfg(test)]
mod tests;
mod update_listing_replica;

pub(crate) use apply_payment::apply_payment;
pub(crate) use apply_reversal::apply_reversal;
pub(crate) use cancel_order::{CancelOrderError, cancel_order, order_of_buyer};
pub(crate) use confirm_order::confirm_order;
pub(crate) use continue_withdrawal::continue_withdrawal;
pub(crate) use decide_closure::CLOSURE_POLICY;
pub(crate) use decide_refund::{DecideRefund, DecideRefundError, decide_refund};
pub(crate) use expire_order::expire_order;
pub(crate) use place_order::{PlaceOrder, PlaceOrderError, place_order};
pub(crate) use request_refund::{RequestRefund, RequestRefundError, order_of_party, request_refund};
pub(crate) use retry_withdrawal::{RetryWithdrawal, RetryWithdrawalError, listing_of_seller, retry_withdrawal};
pub(crate) use update_listing_replica::update_listing_replica;
