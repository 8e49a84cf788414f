//! HTTP: operations, views, responses, problems.

mod problems;
mod responses;
mod tickets;
mod views;

pub(crate) use tickets::{Api, App};
