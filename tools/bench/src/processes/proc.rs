use std::{fs, path::PathBuf};

/// A line of `/proc/<pid>/stat`, as far as it is used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ProcessStat {
    pub(super) name: String,
    pub(super) parent: u32,
    /// Processor time in ticks: user and system.
    pub(super) ticks: u64,
}

/// Returns the status of a process; `None` if it has ended.
pub(super) fn stat(pid: u32) -> Option<ProcessStat> {
    parse_stat(&fs::read_to_string(path(pid, "stat")).ok()?)
}

/// Returns the ticks that all processors were busy, and all their ticks, since the machine started.
pub(super) fn machine_ticks() -> Option<(u64, u64)> {
    parse_machine_ticks(&fs::read_to_string("/proc/stat").ok()?)
}

/// The first line has the ticks of user, nice, system, idle, iowait, irq, softirq and steal, and of guests, which are in user.
fn parse_machine_ticks(stat: &str) -> Option<(u64, u64)> {
    let fields = stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace();
    let ticks: Vec<u64> = fields.take(8).map(str::parse).collect::<Result<_, _>>().ok()?;
    let all = ticks.iter().sum();
    Some((all - ticks.get(3)? - ticks.get(4)?, all))
}

/// Returns the path of a file about a process.
pub(super) fn path(pid: u32, file: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/{file}"))
}

/// Returns the ids of all processes.
pub(super) fn all() -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

/// The name is in parentheses, and may contain any character.
fn parse_stat(line: &str) -> Option<ProcessStat> {
    let (start, end) = (line.find('(')?, line.rfind(')')?);
    let fields: Vec<_> = line.get(end + 1..)?.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(ProcessStat {
        name: line.get(start + 1..end)?.to_owned(),
        parent: u32::try_from(number(1)?).ok()?,
        ticks: number(11)? + number(12)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_process_may_contain_spaces_and_parentheses() {
        let line = "42 (a ) b) S 7 1 1 0 -1 4194560 1 0 0 0 120 30 0 0 20 0 4 0 1";
        let expected = ProcessStat {
            name: "a ) b".to_owned(),
            parent: 7,
            ticks: 150,
        };
        assert_eq!(parse_stat(line), Some(expected));
    }

    #[test]
    fn a_processor_that_waits_for_the_disk_is_not_busy() {
        let stat = "cpu  10 20 30 400 500 6 7 8 9 9\ncpu0 1 2 3\n";
        assert_eq!(parse_machine_ticks(stat), Some((81, 981)));
        assert_eq!(parse_machine_ticks("cpu  1 2"), None);
        assert!(machine_ticks().is_some());
    }

    #[test]
    fn this_process_has_a_status() {
        assert!(stat(std::process::id()).unwrap().parent > 0);
        assert!(all().contains(&std::process::id()));
    }
}
