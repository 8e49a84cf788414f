//! Faults on demand: the next matching requests are delayed, held, refused or cut off, before their effect or after.

mod armed;
mod fault;
mod hold;

pub(crate) use armed::{ActiveFault, ArmedFaults, Continuation};
pub use fault::{Fault, Target, Timing};
pub use hold::Hold;
pub(crate) use hold::{Gate, GateState};
