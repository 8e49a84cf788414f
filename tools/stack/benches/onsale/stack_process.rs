use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Mutex,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{BenchResult, Measurement, banner::read_urls};

/// The timeout until the events of one phase are published.
const PUBLISH_TIMEOUT: Duration = Duration::from_mins(2);

/// The interval at which the outboxes are queried.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The `stack` binary in a process of its own.
pub(crate) struct StackProcess {
    process: Child,
    /// The URL of the front door.
    pub(crate) url: String,
    services: Vec<String>,
    /// The number of events that were published before the current phase.
    published: Mutex<u64>,
    data: PathBuf,
    _folder: TempDir,
}

impl StackProcess {
    pub(crate) fn start() -> BenchResult<Self> {
        let folder = tempfile::tempdir()?;
        let data = folder.path().join("data");
        let mut process = Command::new(env!("CARGO_BIN_EXE_stack"))
            .args(["dev", "--port", "0", "--log", "error"])
            .args(["--sign-ups-per-address", "1000000", "--data"])
            .arg(&data)
            // A few users stand for many.
            .args(["--max-tickets-per-order", "1000000", "--max-open-orders", "1000000"])
            .args(["--unpaid-hold-pause-seconds", "0"])
            .args(["--declined-cards-per-buyer", "0", "--declined-cards-per-network", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let urls = read_urls(process.stdout.take().ok_or("no output")?);
        let (url, services) = urls.split_first().ok_or("the stack did not start")?;
        Ok(Self {
            process,
            url: url.clone(),
            services: services.to_vec(),
            published: Mutex::new(0),
            data,
            _folder: folder,
        })
    }

    /// Waits until all events of a finished phase are published, and prints its line of the table.
    pub(crate) async fn report(&self, phase: &str, measurement: &Measurement) -> BenchResult<()> {
        let deadline = Instant::now() + PUBLISH_TIMEOUT;
        let published = loop {
            let (published, pending) = self.events().await?;
            if pending == 0 {
                break published;
            }
            if Instant::now() > deadline {
                return Err(format!("{pending} events have not been published").into());
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        };
        let before = self
            .published
            .lock()
            .map_or(published, |mut before| std::mem::replace(&mut *before, published));
        let events = (published.saturating_sub(before), measurement.start().elapsed());
        println!("{}", measurement.row(phase, events, self.memory()?));
        Ok(())
    }

    /// Returns the number of published events, and that of events in the outboxes.
    async fn events(&self) -> BenchResult<(u64, u64)> {
        let (mut published, mut pending) = (0, 0);
        for service in &self.services {
            let metrics = reqwest::get(format!("{service}/metrics")).await?.text().await?;
            published += sum(&metrics, "ticketing_events_published_total");
            pending += sum(&metrics, "ticketing_outbox_messages");
        }
        Ok((published, pending))
    }

    /// Returns the resident memory in MiB.
    fn memory(&self) -> BenchResult<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.and_then(|line| line.split_whitespace().next()).ok_or("no VmRSS")?;
        Ok(kibibytes.parse::<u64>()?.div_ceil(1024))
    }

    /// Kills the process, and deletes its namespace in the broker.
    pub(crate) fn stop(mut self, runtime: &Runtime) -> BenchResult<()> {
        self.process.kill()?;
        self.process.wait()?;
        let namespace = fs::read_to_string(self.data.join("namespace"))?.parse()?;
        runtime.block_on(stack::delete_namespace(&testkit::amqp_url(), &namespace))?;
        Ok(())
    }
}

/// Returns the sum of a metric over all labels.
fn sum(metrics: &str, name: &str) -> u64 {
    let values = metrics.lines().filter(|line| line.starts_with(name));
    values
        .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
        .sum()
}
