//! The JSON bodies of requests and responses.

mod order;
mod refund;
mod withdrawal;

pub(super) use order::{NewOrder, OrderStatusView, OrderView};
pub(super) use refund::{NewRefund, RefundListView, RefundStatusView, RefundView};
pub(super) use withdrawal::WithdrawalView;
