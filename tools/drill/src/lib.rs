//! The buyers and the judge of a drill: what a running marketplace answers is written down, and afterwards all five
//! databases are asked whether it was true.

mod acts;
pub mod cli;
mod crew;
mod http;
pub mod load;
mod luck;
mod op;
pub mod record;
pub mod report;
pub mod settle;
mod stripe;
pub mod verdict;

use std::{fmt::Display, path::Path};

pub use op::Op;
pub use verdict::SERVICES;

/// Why the drill itself cannot go on.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Trouble(pub String);

impl Trouble {
    pub(crate) fn new(what: impl Display) -> Self {
        Self(what.to_string())
    }

    pub(crate) fn file(path: &Path, error: &impl Display) -> Self {
        Self(format!("{}: {error}", path.display()))
    }
}
