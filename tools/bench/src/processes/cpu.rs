use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::proc;
use crate::{BenchResult, statistics::float};

/// The name of the broker's processes.
const BROKER: &str = "beam.smp";

/// Groups of processes whose processor time is measured: the server, the broker, the generator.
#[derive(Clone, Debug, Default)]
pub struct Watched {
    groups: Vec<(String, BTreeSet<u32>)>,
}

impl Watched {
    /// Watches a server with its child processes, every broker on this machine, and this process, the generator.
    pub fn server(name: &str, pid: u32) -> Self {
        let stats: BTreeMap<_, _> = proc::all()
            .into_iter()
            .filter_map(|pid| Some((pid, proc::stat(pid)?)))
            .collect();
        let is_below = |pid: &u32, root: u32| {
            let mut at = *pid;
            for _ in 0..stats.len() {
                if at == root {
                    return true;
                }
                match stats.get(&at) {
                    Some(stat) => at = stat.parent,
                    None => return false,
                }
            }
            false
        };
        let generator = std::process::id();
        let server = stats.keys().copied().filter(|child| is_below(child, pid));
        let broker = stats
            .iter()
            .filter(|(_, stat)| stat.name == BROKER)
            .map(|(pid, _)| *pid);
        Self {
            groups: vec![
                (
                    name.to_owned(),
                    server.filter(|child| *child != generator || pid == generator).collect(),
                ),
                ("broker".to_owned(), broker.collect()),
                ("generator".to_owned(), BTreeSet::from([generator])),
            ],
        }
    }

    /// Returns the processor time that each group has used since its processes started.
    ///
    /// # Errors
    ///
    /// A kernel without clock ticks.
    pub fn cpu_times(&self) -> BenchResult<CpuTimes> {
        let per_second = rustix::param::clock_ticks_per_second();
        if per_second == 0 {
            return Err("the kernel has no clock ticks".into());
        }
        let time = |pids: &BTreeSet<u32>| {
            let ticks: u64 = pids
                .iter()
                .filter_map(|pid| proc::stat(*pid))
                .map(|stat| stat.ticks)
                .sum();
            Duration::from_millis(ticks * 1000 / per_second)
        };
        let groups = self.groups.iter();
        Ok(CpuTimes(
            groups.map(|(name, pids)| (name.clone(), time(pids))).collect(),
        ))
    }
}

/// The processor time of each group of processes.
#[derive(Clone, Debug, Default)]
pub struct CpuTimes(BTreeMap<String, Duration>);

impl CpuTimes {
    /// Returns the time since an earlier moment.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let times = self.0.iter().map(|(name, time)| {
            let before = earlier.0.get(name).copied().unwrap_or_default();
            (name.clone(), time.saturating_sub(before))
        });
        Self(times.collect())
    }

    /// Returns the groups with their times.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Duration)> {
        self.0.iter().map(|(name, time)| (name.as_str(), *time))
    }
}

/// How long the processors of the machine have been busy.
#[derive(Clone, Copy, Debug)]
pub struct MachineTime {
    busy: u64,
    all: u64,
}

impl MachineTime {
    /// Reads the times until now.
    ///
    /// # Errors
    ///
    /// A system without `/proc/stat`.
    pub fn now() -> BenchResult<Self> {
        let (busy, all) = proc::machine_ticks().ok_or("/proc/stat has no line of all processors")?;
        Ok(Self { busy, all })
    }

    /// Returns how many percent of their time the processors have been busy since then.
    ///
    /// # Errors
    ///
    /// As `now`.
    pub fn busy_percent(&self) -> BenchResult<f64> {
        let now = Self::now()?;
        Ok(100.0 * float(now.busy - self.busy) / float((now.all - self.all).max(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_time_of_a_busy_process_grows() {
        let watched = Watched::server("server", std::process::id());
        let before = watched.cpu_times().unwrap();
        let mut state = 1_u64;
        loop {
            for _ in 0..1_000_000 {
                state = std::hint::black_box(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
            }
            let used = watched.cpu_times().unwrap().since(&before);
            let mut groups = used.iter().filter(|(name, _)| *name != "broker");
            if groups.all(|(_, time)| time >= Duration::from_millis(20)) {
                break;
            }
        }
    }
}
