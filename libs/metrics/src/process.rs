use std::{fs, time::Duration};

use crate::Samples;

/// The unit of process times in `/proc` (`man 7 time`, `USER_HZ`).
const CLOCK_TICK: Duration = Duration::from_millis(10);

/// Collects the metrics of the process, by the names that all Prometheus clients share
/// (<https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics>). Omits values that are not available.
pub fn collect_process_metrics(samples: &mut Samples) {
    let Ok(status) = fs::read_to_string("/proc/self/status") else {
        return;
    };
    for (field, name, help) in [
        (
            "VmRSS:",
            "process_resident_memory_bytes",
            "Memory of the process that is in RAM",
        ),
        (
            "VmSize:",
            "process_virtual_memory_bytes",
            "Memory that the process has asked for",
        ),
    ] {
        if let Some(kibibytes) = parse_field(&status, field) {
            samples.gauge(name, help, &[], kibibytes.saturating_mul(1024));
        }
    }
    if let Some(threads) = parse_field(&status, "Threads:") {
        samples.gauge("process_threads", "Threads of the process", &[], threads);
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        let count = i64::try_from(open.count()).unwrap_or(i64::MAX);
        samples.gauge(
            "process_open_fds",
            "Files and connections that the process has open",
            &[],
            count,
        );
    }
    if let Some(limit) = open_files_limit() {
        samples.gauge(
            "process_max_fds",
            "Files and connections that the process may have open",
            &[],
            limit,
        );
    }
    if let Some((cpu, start)) = cpu_and_start_time() {
        samples.counter_seconds(
            "process_cpu_seconds_total",
            "Processor time that the process has used",
            cpu,
        );
        samples.seconds(
            "process_start_time_seconds",
            "When the process was started, since 1970",
            &[],
            start,
        );
    }
}

fn parse_field(status: &str, field: &str) -> Option<i64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse().ok()
}

fn open_files_limit() -> Option<i64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    parse_field(&limits, "Max open files")
}

/// `man 5 proc`: utime and stime are fields 14 and 15, starttime is field 22, after the name in parentheses.
fn cpu_and_start_time() -> Option<(Duration, Duration)> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, after_name) = stat.rsplit_once(") ")?;
    let fields: Vec<_> = after_name.split(' ').collect();
    let ticks = |number: usize| fields.get(number - 3)?.parse::<u32>().ok();
    let since_boot = ticks(22)?;
    let boot = fs::read_to_string("/proc/stat").ok()?;
    let boot = parse_field(&boot, "btime")?;
    let cpu = CLOCK_TICK.saturating_mul(ticks(14)?.saturating_add(ticks(15)?));
    Some((
        cpu,
        Duration::from_secs(u64::try_from(boot).ok()?) + CLOCK_TICK.saturating_mul(since_boot),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MetricsRegistry;

    #[test]
    fn the_metrics_of_the_process_are_exported() {
        let mut samples = Samples::default();
        collect_process_metrics(&mut samples);
        let text = MetricsRegistry::new("order").text(samples);
        for name in [
            "process_resident_memory_bytes",
            "process_virtual_memory_bytes",
            "process_threads",
            "process_open_fds",
            "process_max_fds",
            "process_cpu_seconds_total",
            "process_start_time_seconds",
        ] {
            assert!(
                text.contains(&format!("\n{name}{{service=\"order\"}} ")),
                "{name} is not in\n{text}"
            );
        }
    }
}
