//! The HTTP API.

mod app;
mod orders;
mod problems;
mod refunds;
mod sales;
mod views;
mod withdrawals;

pub(crate) use app::App;
pub(crate) use orders::OrdersApi;
pub(crate) use refunds::RefundsApi;
pub(crate) use sales::SalesApi;
pub(crate) use withdrawals::WithdrawalsApi;
