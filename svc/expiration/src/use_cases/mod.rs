//! One function per verb, each over a transaction.

#[cfg(test)]
mod convergence_tests;
mod expire_order;
mod expire_overdue_orders;
mod process_timer;
mod track_order;

pub(crate) use expire_overdue_orders::{MAX_EXPIRED, expire_overdue_orders};
pub(crate) use process_timer::process_timer;
pub(crate) use track_order::track_order;
