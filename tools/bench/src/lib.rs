//! Measures the marketplace, the limits of the machine and a peer in one run.
//!
//! A run measures in repetitions. Each begins with the same data and measures a work of the marketplace, its limit and its
//! peer shortly after one another, so that the ratios are steadier than the figures. `README.md` describes the rest.

#![expect(clippy::float_arithmetic, reason = "statistics: rates, ratios and percentiles")]

mod cli;
mod error;
pub mod http;
pub mod limits;
pub mod load;
mod plan;
pub mod processes;
mod progress;
mod recorder;
mod report;
pub mod results;
mod rows;
mod run;
mod seed;
pub mod statistics;
pub mod targets;
pub mod works;

pub use cli::{Cli, Command, Size, Work};
pub use error::BenchResult;
pub use plan::Plan;
pub use progress::Progress;
pub use recorder::Recorder;
pub use report::{plot, write_page};
pub use run::main_of;
pub use seed::Seed;
