//! Typed calls of the services' HTTP APIs.
//!
//! A file for each service has its views and its calls. A call takes a [`Caller`]: an [`crate::session::Session`], which adds
//! the cookies of the person, or [`Anonymous`] for what everybody may see.

pub(crate) mod account;
mod addresses;
pub(crate) mod admissions;
pub(crate) mod auth;
pub(crate) mod check_ins;
mod client;
mod error;
pub(crate) mod ledger;
pub(crate) mod listings;
pub(crate) mod orders;
pub(crate) mod payments;
pub(crate) mod personal_data;
mod request;
pub(crate) mod sales;
pub(crate) mod tickets;
pub(crate) mod transfers;

pub(crate) use addresses::Service;
pub(crate) use client::{Anonymous, ApiClient, Caller, Credentials};
pub(crate) use error::{ApiError, Refusal};
pub(crate) use request::{ApiRequest, ApiResponse};
