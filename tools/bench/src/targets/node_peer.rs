use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use lapin::options::{ExchangeDeleteOptions, QueueDeleteOptions};
use rusqlite::Connection as Database;
use serde_json::json;

use super::{count, text};
use crate::{
    BenchResult, http,
    http::Connection,
    processes::{ChildProcess, Watched},
    rows::multiply,
};

/// The files of the peer.
const FILES: [(&str, &str); 3] = [
    ("server.js", include_str!("../../peers/node-express/server.js")),
    ("package.json", include_str!("../../peers/node-express/package.json")),
    (
        "package-lock.json",
        include_str!("../../peers/node-express/package-lock.json"),
    ),
];

/// The prefix of its names in the broker.
const PREFIX: &str = "bench-peer";

/// The timeout until it answers, and until its outbox is empty.
const TIMEOUT: Duration = Duration::from_mins(2);

/// The Node.js server that does the same work.
#[derive(Debug)]
pub struct NodePeer {
    process: ChildProcess,
    /// The address.
    pub addr: SocketAddr,
    /// The header with the token of a user.
    pub header: String,
    /// The processes whose processor time is measured.
    pub watched: Watched,
    database: PathBuf,
}

impl NodePeer {
    /// Installs the peer's dependencies in `folder`, once. Returns why it cannot run.
    ///
    /// # Errors
    ///
    /// A folder that is not writable.
    pub fn install(folder: &Path) -> BenchResult<Option<String>> {
        fs::create_dir_all(folder)?;
        let lock = folder.join("package-lock.json");
        let is_current = FILES
            .iter()
            .all(|(name, text)| fs::read_to_string(folder.join(name)).is_ok_and(|file| file == *text));
        let is_installed = folder
            .join("node_modules/better-sqlite3/build/Release/better_sqlite3.node")
            .exists();
        if is_current && is_installed {
            return Ok(None);
        }
        for (name, text) in FILES {
            fs::write(folder.join(name), text)?;
        }
        for program in ["node", "npm"] {
            let version = Command::new(program)
                .arg("--version")
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            if !version.is_ok_and(|status| status.success()) {
                return Ok(Some(format!("{program} is not installed")));
            }
        }
        let installed = Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund", "--loglevel", "error"])
            .current_dir(folder)
            .stdin(Stdio::null())
            .output()?;
        if installed.status.success() {
            return Ok(None);
        }
        // Installed in part: the next run tries again.
        let _ = fs::remove_file(lock);
        let errors = String::from_utf8_lossy(&installed.stderr);
        Ok(Some(format!(
            "npm ci failed: {}",
            errors.lines().next().unwrap_or_default()
        )))
    }

    /// Starts the peer with a new database in `data`.
    ///
    /// # Errors
    ///
    /// It does not answer.
    pub async fn start(folder: &Path, data: &Path, broker: &str) -> BenchResult<Self> {
        let addr = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let database = data.join("peer.sqlite");
        let mut command = Command::new("node");
        command.arg("server.js").current_dir(folder);
        command
            .env("NODE_ENV", "production")
            .env("PORT", addr.port().to_string())
            .env("WORKERS", "2");
        command
            .env("DB", &database)
            .env("AMQP_URL", broker)
            .env("PREFIX", PREFIX);
        let mut process = ChildProcess::spawn(&mut command)?;
        let deadline = Instant::now() + TIMEOUT;
        let mut connection = loop {
            if let Ok(connection) = Connection::open(addr).await {
                break connection;
            }
            if process.has_ended()? || Instant::now() > deadline {
                return Err("the Node.js peer did not start".into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        let user = json!({"email": "user@example.com", "password": "correct horse battery"});
        let session = connection
            .send_for_json(&http::post(addr, "/api/users/signup", "", &user), 201)
            .await?;
        Ok(Self {
            addr,
            header: http::bearer(&text(&session, "token")?),
            watched: Watched::server("node", process.id()),
            process,
            database,
        })
    }

    /// Renders the request for a new ticket.
    pub fn new_ticket(&self, number: u64) -> bytes::Bytes {
        let body = json!({"title": format!("concert {number}"), "price": 2000});
        http::post(self.addr, "/api/tickets", &self.header, &body)
    }

    /// Renders the order of a ticket.
    pub fn order_of(&self, ticket: &str) -> bytes::Bytes {
        http::post(self.addr, "/api/orders", &self.header, &json!({"ticketId": ticket}))
    }

    /// Adds tickets to its database, as copies of the first one, and returns their ids.
    ///
    /// # Errors
    ///
    /// It has no ticket.
    pub fn add_tickets(&self, count: u64) -> BenchResult<Vec<String>> {
        let database = Database::open(&self.database)?;
        database.busy_timeout(TIMEOUT)?;
        let first: String = database.query_row("SELECT min(id) FROM tickets", [], |row| row.get(0))?;
        let free = [("order_id", "NULL".to_owned()), ("id", "format('%024x', n)".to_owned())];
        multiply(&database, "tickets", &first, count, &free)?;
        Ok((1..=count).map(|number| format!("{number:024x}")).collect())
    }

    /// Returns the id of a ticket.
    ///
    /// # Errors
    ///
    /// It has none.
    pub fn any_ticket(&self) -> BenchResult<String> {
        let database = Database::open(&self.database)?;
        Ok(database.query_row("SELECT max(id) FROM tickets", [], |row| row.get(0))?)
    }

    /// Waits until its outbox is published, and returns for how long.
    ///
    /// # Errors
    ///
    /// It takes too long.
    pub async fn wait_until_drained(&self) -> BenchResult<Duration> {
        let start = Instant::now();
        let database = Database::open(&self.database)?;
        database.busy_timeout(Duration::from_secs(10))?;
        while count(&database, "outbox WHERE sent_at IS NULL")? > 0 {
            if start.elapsed() > TIMEOUT {
                return Err("the outbox of the Node.js peer is not published".into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(start.elapsed())
    }

    /// Stops it, and deletes what it declared in the broker.
    ///
    /// # Errors
    ///
    /// It does not end.
    pub async fn stop(self, broker: &str) -> BenchResult<()> {
        self.process.stop().await?;
        Self::delete_queue(broker).await
    }

    /// Deletes what it declares in the broker.
    ///
    /// # Errors
    ///
    /// A broker that is not reachable.
    pub async fn delete_queue(broker: &str) -> BenchResult<()> {
        let connection = lapin::Connection::connect(broker, lapin::ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        let (exchange, queue) = (format!("{PREFIX}.events"), format!("{PREFIX}.events.all"));
        channel
            .queue_delete(queue.as_str().into(), QueueDeleteOptions::default())
            .await?;
        channel
            .exchange_delete(exchange.as_str().into(), ExchangeDeleteOptions::default())
            .await?;
        Ok(connection.close(200, "done".into()).await?)
    }
}
