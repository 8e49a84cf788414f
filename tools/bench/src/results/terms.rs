use std::{fs, process::Command, thread};

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, macros::format_description};

use crate::BenchResult;

/// When, where and how a run measured.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Terms {
    /// The day.
    pub date: String,
    /// The commit, with a mark if the sources had been changed.
    pub commit: String,
    /// The name of the processor.
    pub processor: String,
    /// The number of processors.
    pub processors: usize,
    /// The memory in GiB.
    pub memory_gibibytes: u64,
    /// The operating system and its kernel.
    pub system: String,
    /// The versions of the other programs.
    pub versions: Vec<String>,
    /// The size of the run: `quick`, `default` or `large`.
    pub size: String,
    /// The number of repetitions.
    pub repetitions: u32,
    /// The seconds of one round.
    pub round_seconds: f64,
    /// The listings, and the orders, that a measurement begins with.
    pub rows: u64,
}

impl Terms {
    /// Reads what the machine is; the rest is of the plan.
    ///
    /// # Errors
    ///
    /// A machine whose processors cannot be counted.
    pub fn of_this_machine() -> BenchResult<Self> {
        let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let system = fs::read_to_string("/etc/os-release").unwrap_or_default();
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let kibibytes = field(&memory, "MemTotal", ':').and_then(|value| value.split(' ').next()?.parse::<u64>().ok());
        let today = OffsetDateTime::now_utc().format(format_description!("[year]-[month]-[day]"))?;
        let commit = output(
            "git",
            &["describe", "--always", "--dirty", "--abbrev=10", "--exclude=*"],
        );
        let versions = [
            (
                "rustc",
                output("rustc", &["--version"]).map(|line| line.trim_start_matches("rustc ").to_owned()),
            ),
            ("Poem", locked_version("poem")),
            ("SQLite", Some(rusqlite::version().to_owned())),
            ("Node.js", output("node", &["--version"])),
        ];
        let versions = versions
            .into_iter()
            .filter_map(|(name, version)| Some(format!("{name} {}", version?)));
        Ok(Self {
            date: today,
            commit: commit.unwrap_or_else(|| "unknown".to_owned()),
            processor: field(&processor, "model name", ':').unwrap_or("unknown").to_owned(),
            processors: thread::available_parallelism()?.get(),
            memory_gibibytes: kibibytes.unwrap_or(0).div_ceil(1024 * 1024),
            system: format!(
                "{}, Linux {}",
                field(&system, "PRETTY_NAME", '=')
                    .unwrap_or("unknown")
                    .trim_matches('"'),
                kernel.trim()
            ),
            versions: versions.collect(),
            size: String::new(),
            repetitions: 0,
            round_seconds: 0.0,
            rows: 0,
        })
    }
}

/// Returns the version of a library that is compiled in.
fn locked_version(name: &str) -> Option<String> {
    let (_, package) = include_str!("../../../../Cargo.lock").split_once(&format!("name = \"{name}\"\n"))?;
    field(package, "version", '=').map(|version| version.trim_matches('"').to_owned())
}

/// Returns the value of the first line with this name.
fn field<'a>(text: &'a str, name: &str, separator: char) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(separator)?;
        (key.trim() == name).then(|| value.trim())
    })
}

/// Returns the version of the broker that the project's scripts have started; `None` if they have not.
pub fn version_of_own_broker() -> Option<String> {
    output("scripts/broker", &["ctl", "version"]).map(|version| format!("RabbitMQ {version}"))
}

/// Returns the first line that a program prints; `None` where it is missing.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let line = text.lines().next()?.trim();
    (output.status.success() && !line.is_empty()).then(|| line.to_owned())
}
