use std::fs;

use super::proc;
use crate::{BenchResult, statistics::float};

/// Returns the resident memory of a process in MiB.
///
/// # Errors
///
/// A process that has ended.
pub fn resident_mebibytes(pid: u32) -> BenchResult<f64> {
    let status = fs::read_to_string(proc::path(pid, "status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()).ok_or("no VmRSS")?;
    Ok(float(kibibytes.parse()?) / 1024.0)
}
