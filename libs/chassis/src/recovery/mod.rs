//! Recovery of a restored database: until it has caught up, requests are refused and no job runs.

mod gate;
mod plan;
mod status;

pub(crate) use gate::RecoveryGate;
pub(crate) use plan::plan;
pub use status::RecoveryStatus;
