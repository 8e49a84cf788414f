//! A RabbitMQ node of one test, which it can configure.

use std::{
    io::Write,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::Mutex,
};

use bus::AmqpUrl;
use tempfile::NamedTempFile;

pub(crate) struct BrokerNode {
    port: u16,
    script: PathBuf,
    /// Further settings.
    config: Option<NamedTempFile>,
}

/// Added to a node's port for its listener of TLS.
const TLS_PORT: u16 = 5_000;

impl BrokerNode {
    /// Starts a node. Returns `None` if RabbitMQ is not installed.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(|_| None)
    }

    /// Starts a node with a listener of TLS, too. `options` are the settings of its certificates.
    pub(crate) fn start_with_tls(options: &str) -> Option<Self> {
        Self::start_with(|port| {
            let mut config = NamedTempFile::new().unwrap();
            writeln!(config, "listeners.ssl.1 = 127.0.0.1:{}\n{options}", port + TLS_PORT).unwrap();
            Some(config)
        })
    }

    fn start_with(config: impl FnOnce(u16) -> Option<NamedTempFile>) -> Option<Self> {
        let installed = ["/usr/lib/rabbitmq/bin/rabbitmq-server", "/usr/sbin/rabbitmq-server"];
        if !installed.iter().any(|path| Path::new(path).exists()) {
            println!("skipped: RabbitMQ is not installed, and the test may not configure the broker of AMQP_URL");
            return None;
        }
        let port = free_port();
        let node = Self {
            port,
            config: config(port),
            script: Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/broker"),
        };
        // The node would inherit a pipe and keep it open.
        let status = node.command(&["start"]).stdout(Stdio::null()).status().unwrap();
        assert!(status.success(), "the node does not start");
        Some(node)
    }

    pub(crate) fn url(&self) -> AmqpUrl {
        self.raw_url().parse().unwrap()
    }

    pub(crate) fn raw_url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.port)
    }

    /// Returns the address of the listener of TLS, under this name of the machine.
    pub(crate) fn tls_url(&self, host: &str) -> AmqpUrl {
        let port = self.tls_port();
        format!("amqps://guest:guest@{host}:{port}/%2f").parse().unwrap()
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn tls_port(&self) -> u16 {
        self.port + TLS_PORT
    }

    /// Returns the address for another user.
    pub(crate) fn url_of(&self, user: &str, password: &str) -> String {
        self.raw_url().replace("guest:guest", &format!("{user}:{password}"))
    }

    /// Runs `rabbitmqctl`, and returns its output.
    pub(crate) fn ctl(&self, arguments: &[&str]) -> String {
        let Output { status, stdout, .. } = self.command(&["ctl", "--quiet"]).args(arguments).output().unwrap();
        assert!(status.success(), "rabbitmqctl {arguments:?}");
        String::from_utf8(stdout).unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.script);
        if let Some(config) = &self.config {
            command.env("TICKETING_BROKER_CONFIG", config.path());
        }
        command
            .args(arguments)
            .env_remove("AMQP_URL")
            .env("TICKETING_BROKER_PORT", self.port.to_string())
            .stdin(Stdio::null())
            .stderr(Stdio::inherit());
        command
    }
}

impl Drop for BrokerNode {
    fn drop(&mut self) {
        let _ = self.command(&["forget"]).stdout(Stdio::null()).status();
    }
}

/// Returns a free port for `scripts/broker`, which adds 20000 for its second port. Each call returns another one. All are below
/// the ports that the system gives to connections, which would take them while the node is down.
fn free_port() -> u16 {
    static TAKEN: Mutex<Vec<u16>> = Mutex::new(Vec::new());
    let mut taken = TAKEN.lock().unwrap();
    let start = 10_500 + u16::try_from(std::process::id() % 800).unwrap();
    let free = |port: &u16| {
        let ports = [*port, port + TLS_PORT, port + 20_000];
        ports
            .into_iter()
            .all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok())
    };
    let port = (start..11_500)
        .find(|port| !taken.contains(port) && free(port))
        .unwrap();
    taken.push(port);
    port
}
