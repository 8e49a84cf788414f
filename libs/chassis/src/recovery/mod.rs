//! Recovery of a restored database: until it has caught up, requests are refused and no job runs.

mod gate;
mod plan;
mod republish;
mod status;

pub(crate) use gate::RecoveryGate;
pub(crate) use plan::{RecoveryPlan, plan};
pub(crate) use republish::republish_changes;
pub use status::RecoveryStatus;
