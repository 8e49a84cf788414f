//! The HTTP operations: what comes in, which use case, what goes out.

mod app;
mod ledger;
mod ledger_view;
mod new_payment;
mod payment_view;
mod payments;
mod personal_data;
mod problems;
mod webhook;

pub(crate) use app::App;
pub(crate) use ledger::LedgerApi;
pub(crate) use payments::PaymentsApi;
pub(crate) use personal_data::PersonalDataApi;
pub(crate) use webhook::WebhookApi;
