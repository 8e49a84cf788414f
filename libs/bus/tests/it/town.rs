//! Services that do nothing but note what they hear.

use std::{sync::Arc, time::Duration};

use crate::broker::raw_url;
use bus::{
    AmqpUrl, Bus, Config, ConsumeError, Consumer, DelayLadder, EventHandler, Namespace, Queue, Recovery, State, admin,
    outbox,
};
use db::{Db, Schema};
use events::Event;
use tempfile::TempDir;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use values::{Clock, EventId};

/// Nothing takes longer; whatever waits, waits for a condition.
pub(crate) const DEADLINE: Duration = Duration::from_mins(1);

const SEEN: &str = "CREATE TABLE seen (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    type    TEXT NOT NULL,
    version INTEGER,
    at      INTEGER NOT NULL
) STRICT;";

pub(crate) struct Town {
    pub(crate) url: AmqpUrl,
    pub(crate) namespace: Namespace,
    pub(crate) retries: [Duration; 3],
    folder: TempDir,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Town {
    pub(crate) fn new() -> Self {
        Self {
            url: broker_url(),
            namespace: format!("test-{}", EventId::new(Clock::system().now())).parse().unwrap(),
            retries: [50, 60, 70].map(Duration::from_millis),
            folder: tempfile::tempdir().unwrap(),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }
    }

    /// A service that is not connected yet.
    pub(crate) fn service(&self, name: &'static str) -> Service {
        let schema = Schema {
            service: name,
            migrations: &[outbox::SCHEMA_V1, SEEN],
        };
        let db = Db::open(&self.folder.path().join(name), &schema).unwrap();
        Service {
            name,
            db,
            stop: self.stop.child_token(),
            tasks: TaskTracker::new(),
        }
    }

    /// Connects a service that listens to `queues`.
    pub(crate) fn connect(&self, service: &Service, url: &AmqpUrl, consumers: Vec<Consumer>) -> Bus {
        self.connect_after(None, service, url, consumers)
    }

    /// Connects a service that has to catch up first.
    pub(crate) fn connect_after(
        &self,
        recovery: Option<Recovery>,
        service: &Service,
        url: &AmqpUrl,
        consumers: Vec<Consumer>,
    ) -> Bus {
        let config = Config {
            broker: url.clone().into(),
            namespace: self.namespace.clone(),
            service: service.name,
            delay_ladder: (service.name == "expiration").then(delay_ladder),
            retries: self.retries,
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

    /// A service whose disk was lost, and which starts with an empty database that is marked as restored.
    pub(crate) async fn restored(&self, lost: Service) -> Service {
        lost.stops().await;
        lost.db.close().await;
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(self.folder.path().join(format!("{}{suffix}", lost.name)));
        }
        let service = self.service(lost.name);
        service.db.write(db::restored::mark).await.unwrap();
        service
    }

    /// A service that was stopped, started again with its database.
    pub(crate) async fn reopened(&self, stopped: Service) -> Service {
        stopped.db.close().await;
        self.service(stopped.name)
    }

    /// A service that notes every event that it hears, from its database's point of view.
    pub(crate) fn listener(&self, name: &'static str) -> Service {
        let service = self.service(name);
        self.connect(&service, &self.url, vec![on(Queue::Events, note())]);
        service
    }

    /// A service that only speaks.
    pub(crate) fn speaker(&self, name: &'static str) -> Service {
        let service = self.service(name);
        self.connect(&service, &self.url, Vec::new());
        service
    }
}

/// Also when the test failed: stops the services, so that none declares its queues again, and deletes the namespace.
impl Drop for Town {
    fn drop(&mut self) {
        self.stop.cancel();
        self.tasks.close();
        let (tasks, url, namespace) = (self.tasks.clone(), self.url.clone(), self.namespace.clone());
        let delays: Vec<_> = self.retries.into_iter().chain(delay_ladder().levels()).collect();
        let cleaning = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                tokio::time::timeout(DEADLINE, tasks.wait()).await.unwrap();
                admin::delete_namespace(&url, &namespace, &delays).await.unwrap();
            });
        });
        let cleaned = cleaning.join();
        assert!(
            cleaned.is_ok() || std::thread::panicking(),
            "the namespace is left over"
        );
    }
}

/// The delay levels of the service `expiration`.
pub(crate) fn delay_ladder() -> DelayLadder {
    let longer = [Duration::from_mins(15), Duration::from_mins(1), Duration::from_secs(10)];
    DelayLadder::new(Duration::from_secs(1), longer)
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
    /// Commits an event.
    pub(crate) async fn publish(&self, event: Event) {
        let name = self.name;
        self.db
            .write(move |tx| outbox::append(tx, name, Clock::system().now(), event))
            .await
            .unwrap();
    }

    /// Waits until `count` events were noted, and returns the versions in the order of their coming.
    pub(crate) async fn hears(&self, count: usize) -> Vec<i64> {
        let heard = self.db.wait_for(DEADLINE, move |conn| {
            let heard = versions(conn)?;
            Ok::<_, db::Error>((heard.len() >= count).then_some(heard))
        });
        heard
            .await
            .unwrap()
            .unwrap_or_else(|| panic!("{} does not hear {count} events", self.name))
    }

    /// Waits until nothing is left to publish.
    pub(crate) async fn has_said_all(&self) {
        let empty = self.db.wait_for(DEADLINE, |conn| {
            Ok::<_, db::Error>((outbox::depth(conn)?.count == 0).then_some(()))
        });
        empty
            .await
            .unwrap()
            .unwrap_or_else(|| panic!("{} keeps events in its outbox", self.name));
    }

    pub(crate) async fn left_to_say(&self) -> u64 {
        self.db.read(outbox::depth).await.unwrap().count
    }

    /// Stops the service and waits for its end.
    pub(crate) async fn stops(&self) {
        self.stop.cancel();
        tokio::time::timeout(DEADLINE, self.tasks.wait()).await.unwrap();
    }
}

fn versions(conn: &rusqlite::Connection) -> Result<Vec<i64>, db::Error> {
    let mut statement = conn.prepare("SELECT coalesce(version, 0) FROM seen ORDER BY seq")?;
    let versions = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(versions)
}

pub(crate) fn on(queue: Queue, reaction: EventHandler) -> Consumer {
    Consumer { queue, reaction }
}

/// Notes what it hears.
pub(crate) fn note() -> EventHandler {
    Arc::new(|tx, now, envelope| {
        let version = match &envelope.event {
            Event::OrderCreated(order) => i64::try_from(order.version).ok(),
            _ => None,
        };
        tx.execute(
            "INSERT INTO seen (type, version, at) VALUES (?1, ?2, ?3)",
            (envelope.event.name(), version, now),
        )?;
        Ok::<_, ConsumeError>(())
    })
}

/// An event to tell from others by its version.
pub(crate) fn ordered(version: u64) -> Event {
    Event::OrderCreated(events::Order {
        version,
        ..events::examples::order(Clock::system().now())
    })
}

/// Waits until the bus is in a state like this.
pub(crate) async fn becomes(bus: &Bus, like: impl FnMut(&State) -> bool) -> State {
    let mut state = bus.state();
    let state = tokio::time::timeout(DEADLINE, state.wait_for(like))
        .await
        .expect("the state changes in time");
    state.unwrap().clone()
}

pub(crate) fn is_down(state: &State) -> bool {
    matches!(state, State::Down { .. })
}

/// Asks until the answer is there.
pub(crate) async fn eventually<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, asking)
        .await
        .expect("the condition holds in time")
}
