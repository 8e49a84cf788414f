//! HTTP: operations, views, responses, problems.

mod cached_reads;
mod offers;
mod parameters;
mod problems;
mod rendered;
mod responses;
mod tickets;
mod views;

pub(crate) use cached_reads::CachedReads;
pub(crate) use tickets::{Api, App};
