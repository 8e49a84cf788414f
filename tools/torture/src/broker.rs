//! A RabbitMQ node of its own, which can be killed: `scripts/broker` with a port and a folder of its own.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    ops::Range,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use lapin::{
    Channel, Connection, ConnectionProperties,
    options::{QueueDeclareOptions, QueueDeleteOptions, QueuePurgeOptions},
    types::FieldTable,
};
use rustix::process::Signal;
use tokio::{
    sync::Mutex,
    task::spawn_blocking,
    time::{sleep, timeout},
};

use crate::{error::TortureError, process::signal};

/// Ports of the node. `scripts/broker` adds [`DISTRIBUTION_PORT_OFFSET`] for its second port. Both are below the ports that the
/// system gives to connections, which would take them while the node is down.
const PORTS: Range<u16> = 11_500..12_500;
const DISTRIBUTION_PORT_OFFSET: u16 = 20_000;

/// The time that operations on queues have.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(20);

/// The number of messages in each queue.
pub(crate) type QueueLengths = BTreeMap<String, u32>;

/// The node. One fault at a time has it; without one, it runs.
#[derive(Debug)]
pub(crate) struct Broker {
    /// `scripts/broker`.
    script: PathBuf,
    port: u16,
    folder: PathBuf,
    is_kept: bool,
    busy: Mutex<()>,
}

/// Returns how many ports of a range to skip: by process id, so that runs that start together choose different ports.
pub(crate) fn skipped_ports(range: &Range<u16>) -> usize {
    let most = range.len() * 9 / 10;
    usize::try_from(std::process::id()).unwrap_or_default() * 8 % most
}

impl Broker {
    /// Starts a node with its data in `folder`.
    pub(crate) async fn start(folder: &Path) -> Result<Self, TortureError> {
        let is_free = |port: &u16| {
            let is_free = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
            is_free(*port) && is_free(port + DISTRIBUTION_PORT_OFFSET)
        };
        let port = PORTS.skip(skipped_ports(&PORTS)).find(is_free);
        let script = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/broker"));
        let broker = Self {
            script: script
                .canonicalize()
                .map_err(|error| TortureError::file(script, &error))?,
            port: port.ok_or_else(|| TortureError::new("no port is free for a broker"))?,
            folder: folder.to_owned(),
            is_kept: false,
            busy: Mutex::default(),
        };
        broker.run_script("start").await?;
        Ok(broker)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Keeps data and logs when the node is dropped.
    pub(crate) fn keep(&mut self) {
        self.is_kept = true;
    }

    /// Sends SIGKILL, and starts the node again after `down`.
    pub(crate) async fn kill(&self, down: Duration) -> Result<(), TortureError> {
        let _busy = self.busy.lock().await;
        let id = self.process_id()?;
        signal(id, Signal::KILL);
        while Path::new(&format!("/proc/{id}")).exists() {
            sleep(Duration::from_millis(20)).await;
        }
        sleep(down).await;
        self.run_script("start").await
    }

    /// Sends SIGSTOP, and SIGCONT after `lasts`.
    pub(crate) async fn pause(&self, lasts: Duration) -> Result<(), TortureError> {
        let _busy = self.busy.lock().await;
        let id = self.process_id()?;
        signal(id, Signal::STOP);
        sleep(lasts).await;
        signal(id, Signal::CONT);
        Ok(())
    }

    fn process_id(&self) -> Result<u32, TortureError> {
        let file = self.folder.join(format!("ticketing/rabbitmq-{}/pid", self.port));
        let text = fs::read_to_string(&file).map_err(|error| TortureError::file(&file, &error))?;
        text.trim().parse().map_err(|error| TortureError::file(&file, &error))
    }

    fn script(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.script);
        command
            .args(arguments)
            .env_remove("AMQP_URL")
            .env("XDG_STATE_HOME", &self.folder)
            .env("TICKETING_BROKER_PORT", self.port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    async fn run_script(&self, subcommand: &'static str) -> Result<(), TortureError> {
        let (mut command, log) = (self.script(&[subcommand]), self.folder.join("broker.log"));
        let file = OpenOptions::new().create(true).append(true).open(&log);
        // The node would inherit a pipe and keep it open.
        command.stderr(file.map_err(|error| TortureError::file(&log, &error))?);
        let status = spawn_blocking(move || command.status())
            .await
            .map_err(TortureError::new)?;
        if status.map_err(TortureError::new)?.success() {
            return Ok(());
        }
        Err(TortureError(format!(
            "scripts/broker {subcommand} failed, see {}",
            log.display()
        )))
    }

    /// Returns the names of a namespace's queues.
    pub(crate) async fn queue_names(&self, namespace: &str) -> Result<Vec<String>, TortureError> {
        let mut command = self.script(&["ctl", "list_queues", "--quiet", "--no-table-headers", "name"]);
        let output = spawn_blocking(move || command.stdout(Stdio::piped()).output());
        let output = output.await.map_err(TortureError::new)?.map_err(TortureError::new)?;
        if !output.status.success() {
            return Err(TortureError(format!("the queues cannot be listed: {}", output.status)));
        }
        let prefix = format!("{namespace}.");
        let names: Vec<_> = String::from_utf8_lossy(&output.stdout)
            .lines()
            .map(|name| name.trim().to_owned())
            .filter(|name| name.starts_with(&prefix))
            .collect();
        if names.is_empty() {
            return Err(TortureError(format!("the broker has no queues of {namespace}")));
        }
        Ok(names)
    }

    /// Returns the number of messages in each of these queues that are not delivered to a consumer.
    pub(crate) async fn lengths(&self, names: &[String]) -> Result<QueueLengths, TortureError> {
        let passive = QueueDeclareOptions {
            passive: true,
            ..QueueDeclareOptions::default()
        };
        self.with_channel(async |channel| {
            let mut lengths = QueueLengths::new();
            for name in names {
                let declared = channel.queue_declare(name.as_str().into(), passive, FieldTable::default());
                lengths.insert(name.clone(), declared.await?.message_count());
            }
            Ok(lengths)
        })
        .await
    }

    /// Deletes all messages of these queues.
    pub(crate) async fn purge(&self, names: &[String]) -> Result<(), TortureError> {
        self.with_channel(async |channel| {
            for name in names {
                channel
                    .queue_purge(name.as_str().into(), QueuePurgeOptions::default())
                    .await?;
            }
            Ok(())
        })
        .await
    }

    /// Deletes these queues.
    pub(crate) async fn delete(&self, names: &[String]) -> Result<(), TortureError> {
        self.with_channel(async |channel| {
            for name in names {
                channel
                    .queue_delete(name.as_str().into(), QueueDeleteOptions::default())
                    .await?;
            }
            Ok(())
        })
        .await
    }

    async fn with_channel<T>(&self, work: impl AsyncFnOnce(Channel) -> lapin::Result<T>) -> Result<T, TortureError> {
        let url = format!("amqp://guest:guest@{}/%2f", self.address());
        let done = async {
            let connection = Connection::connect(&url, ConnectionProperties::default()).await?;
            let result = work(connection.create_channel().await?).await;
            // An error of the work has closed the channel already.
            let _ = connection.close(200, "done".into()).await;
            result
        };
        match timeout(QUEUE_TIMEOUT, done).await {
            Ok(result) => result.map_err(TortureError::new),
            Err(_) => Err(TortureError::new("the broker does not answer")),
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Ok(id) = self.process_id() {
            // A paused node does not stop.
            signal(id, Signal::CONT);
        }
        let _ = self.script(&[if self.is_kept { "stop" } else { "forget" }]).status();
    }
}
