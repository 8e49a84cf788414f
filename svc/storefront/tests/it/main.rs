//! The pages over HTTP, with all services behind them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod account;
mod browser;
mod check_in;
mod events;
mod html;
mod mails;
mod pages;
mod personal_data;
mod second_factor;
mod sell;
mod sessions;
mod shop;
mod tickets;
mod transfers;
