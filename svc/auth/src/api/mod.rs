//! The HTTP API.

mod account_changes;
mod accounts;
mod app;
mod client;
mod code_rule;
mod cookies;
mod credentials;
mod deletion;
mod delivery;
mod devices;
mod operations;
mod personal_data;
mod problems;
mod profile;
mod refresh_token;
mod second_factor;
mod sessions;
mod sign_out_tokens;
mod views;

pub(crate) use accounts::AccountsApi;
pub(crate) use app::App;
pub(crate) use deletion::DeletionApi;
pub(crate) use operations::Api;
pub(crate) use personal_data::PersonalDataApi;
pub(crate) use second_factor::SecondFactorApi;
pub(crate) use sessions::SessionsApi;
