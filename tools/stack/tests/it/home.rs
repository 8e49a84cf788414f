use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use bus::Namespace;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::amqp_url;

/// A data folder of a test's own. It goes away with the test, and so do its names in the broker.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    pub(crate) fn namespace(&self) -> Namespace {
        fs::read_to_string(self.data().join("namespace"))
            .unwrap()
            .parse()
            .unwrap()
    }

    /// Nothing that must not be is in the databases, and no message was set aside. Nothing runs with them any more.
    pub(crate) fn assert_sound(&self) {
        let none: [String; 0] = [];
        assert_eq!(stack::check(&self.data()).unwrap(), none);
        let namespace = self.namespace();
        let parked = apart(async move {
            let mut parked = Vec::new();
            for service in ["ticket", "order", "expiration", "payment"] {
                match bus::parked::list(&amqp_url(), &namespace, service).await {
                    // It ended before it had declared anything.
                    Err(bus::Error::QueueNotFound(_)) => {}
                    listed => parked.extend(listed.unwrap()),
                }
            }
            parked
        });
        assert_eq!(parked, []);
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if !self.data().join("namespace").exists() {
            return;
        }
        let namespace = self.namespace();
        let deleted = apart(async move { stack::delete_namespace(&amqp_url(), &namespace).await });
        if let Err(error) = deleted {
            eprintln!("the names of this test stay in the broker: {error}");
        }
    }
}

/// Runs something to its end on a thread of its own: for a place that cannot wait, or is inside a runtime already.
pub(crate) fn apart<T: Send>(work: impl Future<Output = T> + Send) -> T {
    thread::scope(|scope| scope.spawn(|| runtime().block_on(work)).join().unwrap())
}

pub(crate) fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// How long a stack may take to start or to stop.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Where the scripts of the repository are.
pub(crate) fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}
