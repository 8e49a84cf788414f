//! The page about performance, its plots, and the comparison of two runs.

mod comparison;
mod page;
mod plots;
mod tables;

pub(crate) use comparison::print_comparison;
pub use page::write_page;
pub use plots::plot;
