//! The JSON shapes of requests and responses.

mod order;
mod refund;
mod withdrawal;

pub(crate) use order::{NewOrder, OrderStatusView, OrderView};
pub(crate) use refund::{NewRefund, RefundStatusView, RefundView, RefundsView};
pub(crate) use withdrawal::WithdrawalView;
