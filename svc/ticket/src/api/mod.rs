//! HTTP: operations, views, responses, problems.

mod offers;
mod parameters;
mod problems;
mod responses;
mod tickets;
mod views;

pub(crate) use tickets::{Api, App};
