//! HTTP: operations, views, responses, problems.

mod app;
mod cached_reads;
mod offers;
mod parameters;
mod problems;
mod rendered;
mod responses;
mod tickets;
mod views;

pub(crate) use app::App;
pub(crate) use cached_reads::CachedReads;
pub(crate) use tickets::Api;
