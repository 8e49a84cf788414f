//! Processes on this machine: what they use, and child processes that end with the measurement.

mod child;
mod cpu;
mod memory;
mod proc;

pub use child::ChildProcess;
pub use cpu::{CpuTimes, MachineTime, Watched};
pub use memory::{own_mebibytes, resident_mebibytes};
