use std::fs;

use super::proc;
use crate::{BenchResult, statistics::float};

/// Returns the resident memory of a process in MiB, with the pages of its program that it has run.
///
/// # Errors
///
/// A process that has ended.
pub fn resident_mebibytes(pid: u32) -> BenchResult<f64> {
    mebibytes(pid, "VmRSS:")
}

/// Returns the resident memory of a process in MiB, without the files that it maps, such as its program. The kernel can
/// drop and read these again.
///
/// # Errors
///
/// A process that has ended.
pub fn own_mebibytes(pid: u32) -> BenchResult<f64> {
    mebibytes(pid, "RssAnon:")
}

fn mebibytes(pid: u32, field: &str) -> BenchResult<f64> {
    let status = fs::read_to_string(proc::path(pid, "status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kibibytes = line
        .and_then(|line| line.split_whitespace().next())
        .ok_or_else(|| format!("the status of process {pid} has no {field}"))?;
    Ok(float(kibibytes.parse()?) / 1024.0)
}
