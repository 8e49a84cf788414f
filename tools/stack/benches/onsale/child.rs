use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{self, Command, Stdio},
    sync::Mutex,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{Outcome, Tally};

/// How long the events of one phase may take to be published.
const PATIENCE: Duration = Duration::from_mins(2);

/// The stack, in a process of its own.
pub(crate) struct Child {
    process: process::Child,
    /// The front door.
    pub(crate) url: String,
    services: Vec<String>,
    /// How many events were published before the phase that is on.
    published: Mutex<u64>,
    data: PathBuf,
    _folder: TempDir,
}

impl Child {
    pub(crate) fn start() -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let data = folder.path().join("data");
        let mut process = Command::new(env!("CARGO_BIN_EXE_stack"))
            .args(["dev", "--port", "0", "--log", "error", "--data"])
            .arg(&data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let (mut url, mut services) = (None, Vec::new());
        for line in BufReader::new(process.stdout.take().ok_or("no output")?).lines() {
            let line = line?;
            let words = line.split_whitespace().collect::<Vec<_>>();
            match words.as_slice() {
                ["│", "front", "door", found, ..] => url = Some((*found).to_owned()),
                ["│", "auth" | "ticket" | "order" | "expiration" | "payment", found, ..] => {
                    services.push(found.trim_end_matches("/docs").to_owned());
                }
                _ if line.starts_with('╰') => break,
                _ => {}
            }
        }
        Ok(Self {
            process,
            url: url.ok_or("the stack did not start")?,
            services,
            published: Mutex::new(0),
            data,
            _folder: folder,
        })
    }

    /// Prints the line of a phase that has just ended, once all that it said has been published.
    pub(crate) async fn tell(&self, name: &str, tally: &Tally) -> Outcome<()> {
        let deadline = Instant::now() + PATIENCE;
        let published = loop {
            let (published, waiting) = self.events().await?;
            if waiting == 0 {
                break published;
            }
            if Instant::now() > deadline {
                return Err(format!("{waiting} events still wait to be published").into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let before = self
            .published
            .lock()
            .map_or(published, |mut before| std::mem::replace(&mut *before, published));
        let events = (published.saturating_sub(before), tally.begun().elapsed());
        println!("{}", tally.line(name, events, self.memory()?));
        Ok(())
    }

    /// How many events were published in all, and how many wait.
    async fn events(&self) -> Outcome<(u64, u64)> {
        let (mut published, mut waiting) = (0, 0);
        for service in &self.services {
            let told = reqwest::get(format!("{service}/metrics")).await?.text().await?;
            published += sum(&told, "ticketing_events_published_total");
            waiting += sum(&told, "ticketing_outbox_messages");
        }
        Ok((published, waiting))
    }

    /// Its resident memory in MiB.
    fn memory(&self) -> Outcome<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.and_then(|line| line.split_whitespace().next()).ok_or("no VmRSS")?;
        Ok(kibibytes.parse::<u64>()?.div_ceil(1024))
    }

    /// Stops it, and takes its queues out of the broker.
    pub(crate) fn end(mut self, runtime: &Runtime) -> Outcome<()> {
        self.process.kill()?;
        self.process.wait()?;
        let namespace = fs::read_to_string(self.data.join("namespace"))?.parse()?;
        runtime.block_on(stack::delete_namespace(&testkit::amqp_url(), &namespace))?;
        Ok(())
    }
}

/// The sum over all labels of a metric of whole numbers.
fn sum(told: &str, metric: &str) -> u64 {
    let values = told.lines().filter(|line| line.starts_with(metric));
    values
        .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
        .sum()
}
