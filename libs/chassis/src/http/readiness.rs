use db::{Db, Health};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Reports whether a service can serve requests.
///
/// A service without its broker is ready: events wait in the outbox. One without storage is not, nor is one whose
/// restored database catches up. A service that stops is not ready, while it still serves.
#[derive(Clone)]
pub(crate) struct Readiness {
    db: Db,
    broker: watch::Receiver<bus::ConnectionState>,
    recovered: watch::Receiver<bool>,
    draining: CancellationToken,
}

impl Readiness {
    pub(crate) const fn new(
        db: Db,
        broker: watch::Receiver<bus::ConnectionState>,
        recovered: watch::Receiver<bool>,
        draining: CancellationToken,
    ) -> Self {
        Self {
            db,
            broker,
            recovered,
            draining,
        }
    }

    /// Whether requests can be served, and the details.
    pub(crate) async fn check(&self) -> (bool, Value) {
        let failing = matches!(*self.db.health().borrow(), Health::Failing { .. });
        // Without traffic, only this probe notices that the storage works again.
        let storage = if failing { self.db.probe().await.err() } else { None };
        let broker = match &*self.broker.borrow() {
            bus::ConnectionState::Connecting => "connecting".to_owned(),
            bus::ConnectionState::Connected => "connected".to_owned(),
            bus::ConnectionState::Blocked { since, reason } => format!("blocked since {since}: {reason}"),
            bus::ConnectionState::Down { since, reason } => format!("down since {since}: {reason}"),
        };
        let recovered = *self.recovered.borrow();
        let stopping = self.draining.is_cancelled();
        let ready = storage.is_none() && recovered && !stopping;
        let storage = storage.map_or_else(|| "writing".to_owned(), |error| error.to_string());
        let mut checks = json!({"storage": storage, "broker": broker});
        if !recovered {
            checks["recovery"] =
                "recovering: the database was restored, and catches up from the broker's journal".into();
        }
        if stopping {
            checks["shutdown"] = "stopping: requests are served for a moment longer".into();
        }
        (ready, checks)
    }
}
