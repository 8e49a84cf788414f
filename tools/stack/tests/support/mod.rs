//! Helpers of several test crates: `stack dev` in a process of its own, and its data.

mod banner;
mod stack_process;
mod test_data;

pub(crate) use stack_process::*;
pub(crate) use test_data::*;
