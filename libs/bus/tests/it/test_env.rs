//! Services that record the events they consume.

use std::{path::PathBuf, sync::Arc, time::Duration};

use crate::raw_broker::raw_url;
use bus::{
    AmqpUrl, Bus, Config, ConnectionState, ConsumeError, Consumer, DelayLadder, EventHandler, Namespace, Queue,
    Recovery, TopologyMode, admin, outbox,
    parked::{self, ParkedMessage},
};
use db::{Db, Schema};
use events::Event;
use tempfile::TempDir;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use values::{Clock, EventId, Timestamp};

/// Bounds each wait for a condition.
pub(crate) const TIMEOUT: Duration = Duration::from_mins(1);

const CONSUMED_EVENT_TABLE: &str = "CREATE TABLE consumed_event (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    type    TEXT NOT NULL,
    version INTEGER,
    at      INTEGER NOT NULL
) STRICT;";

pub(crate) struct TestEnv {
    pub(crate) url: AmqpUrl,
    pub(crate) namespace: Namespace,
    pub(crate) retry_delays: [Duration; 3],
    pub(crate) topology: TopologyMode,
    pub(crate) unidentified_until: Option<Timestamp>,
    pub(crate) event_batches: bool,
    folder: TempDir,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl TestEnv {
    pub(crate) fn new() -> Self {
        Self::at(broker_url())
    }

    /// Creates an environment at a broker of the test's own.
    pub(crate) fn at(url: AmqpUrl) -> Self {
        Self {
            url,
            namespace: format!("test-{}", EventId::new(Clock::system().now())).parse().unwrap(),
            retry_delays: [50, 60, 70].map(Duration::from_millis),
            topology: TopologyMode::Declare,
            unidentified_until: None,
            event_batches: false,
            folder: tempfile::tempdir().unwrap(),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }
    }

    /// Creates a service without a connection.
    pub(crate) fn service(&self, name: &'static str) -> Service {
        let schema = Schema {
            service: name,
            migrations: &[outbox::SCHEMA_V1, CONSUMED_EVENT_TABLE],
        };
        let db = Db::open(&self.folder.path().join(name), &schema).unwrap();
        Service {
            name,
            db,
            stop: self.stop.child_token(),
            tasks: TaskTracker::new(),
        }
    }

    /// Connects a service.
    pub(crate) fn connect(&self, service: &Service, url: &AmqpUrl, consumers: Vec<Consumer>) -> Bus {
        self.connect_with_recovery(None, service, url, consumers)
    }

    /// Connects a service that runs `recovery` first.
    pub(crate) fn connect_with_recovery(
        &self,
        recovery: Option<Recovery>,
        service: &Service,
        url: &AmqpUrl,
        consumers: Vec<Consumer>,
    ) -> Bus {
        let config = Config {
            broker: url.clone().into(),
            namespace: self.namespace.clone(),
            topology: self.topology,
            unidentified_until: self.unidentified_until,
            event_batches: self.event_batches,
            service: service.name,
            delay_ladder: (service.name == "expiration").then(delay_ladder),
            retry_delays: self.retry_delays,
            consumers,
            recovery,
        };
        let bus = Bus::start(
            config,
            service.db.clone(),
            Clock::system(),
            service.stop.clone(),
            &service.tasks,
        );
        service.tasks.close();
        let tasks = service.tasks.clone();
        self.tasks.spawn(async move { tasks.wait().await });
        bus
    }

    /// Replaces a service's database by an empty one that is marked as restored.
    pub(crate) async fn restored(&self, service: Service) -> Service {
        service.stop().await;
        service.db.close().await;
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(self.folder.path().join(format!("{}{suffix}", service.name)));
        }
        let service = self.service(service.name);
        service.db.write(db::restored::mark).await.unwrap();
        let since = service.db.write(|tx| db::restored::recover_from(tx, None)).await;
        assert_eq!(since.unwrap(), None);
        service
    }

    /// Returns the file of a service's database.
    pub(crate) fn database(&self, service: &Service) -> PathBuf {
        self.folder.path().join(service.name)
    }

    /// Opens the database of a stopped service again.
    pub(crate) async fn reopened(&self, stopped: Service) -> Service {
        stopped.db.close().await;
        self.service(stopped.name)
    }

    /// Connects a service that records the events it consumes.
    pub(crate) fn consumer(&self, name: &'static str) -> Service {
        let service = self.service(name);
        self.connect(&service, &self.url, vec![events_consumer(recording_handler())]);
        service
    }

    /// Connects a service that only publishes.
    pub(crate) fn publisher(&self, name: &'static str) -> Service {
        let service = self.service(name);
        self.connect(&service, &self.url, Vec::new());
        service
    }
}

/// Stops the services, so that none declares its queues again, and deletes the namespace, also after a failed test.
impl Drop for TestEnv {
    fn drop(&mut self) {
        self.stop.cancel();
        self.tasks.close();
        let (tasks, url, namespace) = (self.tasks.clone(), self.url.clone(), self.namespace.clone());
        let delays: Vec<_> = self.retry_delays.into_iter().chain(delay_ladder().levels()).collect();
        let cleanup = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                tokio::time::timeout(TIMEOUT, tasks.wait()).await.unwrap();
                admin::delete_namespace(&url, &namespace, &delays).await.unwrap();
            });
        });
        let cleaned = cleanup.join();
        assert!(
            cleaned.is_ok() || std::thread::panicking(),
            "the namespace is not deleted"
        );
    }
}

/// The delay levels of the service `expiration`.
pub(crate) fn delay_ladder() -> DelayLadder {
    let longer = [
        Duration::from_mins(15),
        Duration::from_mins(1),
        Duration::from_secs(10),
        Duration::from_secs(1),
    ];
    DelayLadder::new(Duration::from_millis(200), longer)
}

pub(crate) fn broker_url() -> AmqpUrl {
    raw_url().parse().unwrap()
}

pub(crate) struct Service {
    pub(crate) name: &'static str,
    pub(crate) db: Db,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

impl Service {
    /// Appends an event to the outbox.
    pub(crate) async fn publish(&self, event: Event) {
        let name = self.name;
        self.db
            .write(move |tx| outbox::append(tx, name, Clock::system().now(), event))
            .await
            .unwrap();
    }

    /// Waits until `count` events are recorded. Returns their versions in the order of their arrival.
    pub(crate) async fn wait_for_consumed(&self, count: usize) -> Vec<i64> {
        let consumed = self.db.wait_for(TIMEOUT, move |conn| {
            let consumed = versions(conn)?;
            Ok::<_, db::Error>((consumed.len() >= count).then_some(consumed))
        });
        consumed
            .await
            .unwrap()
            .unwrap_or_else(|| panic!("{} does not consume {count} events", self.name))
    }

    /// Waits until the outbox is empty.
    pub(crate) async fn wait_for_empty_outbox(&self) {
        let empty = self.db.wait_for(TIMEOUT, |conn| {
            Ok::<_, db::Error>((outbox::depth(conn)?.count == 0).then_some(()))
        });
        empty
            .await
            .unwrap()
            .unwrap_or_else(|| panic!("the outbox of {} is not empty", self.name));
    }

    pub(crate) async fn outbox_count(&self) -> u64 {
        self.db.read(outbox::depth).await.unwrap().count
    }

    /// Stops the service and waits until its tasks have ended.
    pub(crate) async fn stop(&self) {
        self.stop.cancel();
        tokio::time::timeout(TIMEOUT, self.tasks.wait()).await.unwrap();
    }
}

fn versions(conn: &rusqlite::Connection) -> Result<Vec<i64>, db::Error> {
    let mut statement = conn.prepare("SELECT coalesce(version, 0) FROM consumed_event ORDER BY seq")?;
    let versions = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(versions)
}

pub(crate) fn events_consumer(handler: EventHandler) -> Consumer {
    Consumer {
        queue: Queue::Events,
        handler,
    }
}

pub(crate) fn timers_consumer(handler: EventHandler) -> Consumer {
    Consumer {
        queue: Queue::Timers,
        handler,
    }
}

/// Records each event.
pub(crate) fn recording_handler() -> EventHandler {
    Arc::new(|tx, now, envelope| {
        let version = match &envelope.event {
            Event::OrderCreated(order) => i64::try_from(order.version).ok(),
            _ => None,
        };
        tx.execute(
            "INSERT INTO consumed_event (type, version, at) VALUES (?1, ?2, ?3)",
            (envelope.event.name(), version, now),
        )?;
        Ok::<_, ConsumeError>(())
    })
}

/// Returns an event that is identified by its version.
pub(crate) fn order_created(version: u64) -> Event {
    Event::OrderCreated(events::Order {
        version,
        ..events::examples::order(Clock::system().now())
    })
}

/// Waits for a state of the connection.
pub(crate) async fn wait_for_state(bus: &Bus, condition: impl FnMut(&ConnectionState) -> bool) -> ConnectionState {
    let mut state = bus.state();
    let state = tokio::time::timeout(TIMEOUT, state.wait_for(condition))
        .await
        .expect("the state changes in time");
    state.unwrap().clone()
}

pub(crate) fn is_down(state: &ConnectionState) -> bool {
    matches!(state, ConnectionState::Down { .. })
}

/// Polls until there is a result.
pub(crate) async fn eventually<T>(mut poll: impl AsyncFnMut() -> Option<T>) -> T {
    let polling = async {
        loop {
            if let Some(result) = poll().await {
                return result;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(TIMEOUT, polling)
        .await
        .expect("the condition holds in time")
}

/// Records the events for which `refuse` returns no error.
pub(crate) fn recording_handler_unless(
    refuse: impl Fn(&Event) -> Result<(), ConsumeError> + Send + Sync + 'static,
) -> EventHandler {
    let record = recording_handler();
    Arc::new(move |tx, now, envelope| {
        // Rolled back if the handler fails.
        record(tx, now, envelope)?;
        refuse(&envelope.event)
    })
}

/// Records the events of even versions, and fails for the others.
pub(crate) fn handler_of_even_versions(reason: String) -> EventHandler {
    recording_handler_unless(move |event| match event {
        Event::OrderCreated(order) if order.version % 2 == 1 => Err(ConsumeError::new(reason.clone())),
        _ => Ok(()),
    })
}

/// Waits until this many messages are parked.
pub(crate) async fn parked_at_ticket(env: &TestEnv, count: usize) -> Vec<ParkedMessage> {
    eventually(async || {
        // The queue does not exist before the first service has declared it.
        let parked = parked::list(&env.url, &env.namespace, "ticket").await.ok()?;
        (parked.len() == count).then_some(parked)
    })
    .await
}
