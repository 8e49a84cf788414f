//! The HTTP API.

mod allowance;
mod app;
mod orders;
mod personal_data;
mod problems;
mod refunds;
mod sales;
mod views;
mod withdrawals;

pub(crate) use allowance::AllowanceApi;
pub(crate) use app::App;
pub(crate) use orders::OrdersApi;
pub(crate) use personal_data::PersonalDataApi;
pub(crate) use refunds::RefundsApi;
pub(crate) use sales::SalesApi;
pub(crate) use withdrawals::WithdrawalsApi;
