use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use bus::Namespace;
use tempfile::TempDir;
use testkit::amqp_url;
use tokio::runtime::{Builder, Runtime};

/// The timeout of a stack that starts or stops.
pub(crate) const PROCESS_TIMEOUT: Duration = Duration::from_mins(1);

/// A data folder of one test. When it is dropped, the folder and its namespace in the broker are deleted.
pub(crate) struct TestData(TempDir);

impl TestData {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.0.path().join("data")
    }

    pub(crate) fn namespace(&self) -> Namespace {
        fs::read_to_string(self.folder().join("namespace"))
            .unwrap()
            .parse()
            .unwrap()
    }

    /// Asserts that the databases violate no invariant and that no message was parked. The stack must have stopped.
    pub(crate) fn assert_consistent(&self) {
        self.assert_databases_consistent();
        let namespace = self.namespace();
        let parked = block_on_new_thread(async move {
            let mut parked = Vec::new();
            for service in ["ticket", "order", "expiration", "payment", "notification"] {
                match bus::parked::list(&amqp_url(), &namespace, service).await {
                    // The service ended before it declared its queues.
                    Err(bus::Error::QueueNotFound(_)) => {}
                    listed => parked.extend(listed.unwrap()),
                }
            }
            parked
        });
        assert_eq!(parked, []);
    }

    /// Asserts that the databases violate no invariant. The stack must have stopped.
    pub(crate) fn assert_databases_consistent(&self) {
        let none: [String; 0] = [];
        assert_eq!(stack::check(&self.folder()).unwrap(), none);
    }
}

impl Drop for TestData {
    fn drop(&mut self) {
        if !self.folder().join("namespace").exists() {
            return;
        }
        let namespace = self.namespace();
        let deleted = block_on_new_thread(async move { stack::delete_namespace(&amqp_url(), &namespace).await });
        if let Err(error) = deleted {
            eprintln!("the broker still has the namespace of this test: {error}");
        }
    }
}

/// Runs a future to its end on a new thread. The caller may be synchronous, or run in a runtime.
pub(crate) fn block_on_new_thread<T: Send>(future: impl Future<Output = T> + Send) -> T {
    thread::scope(|scope| scope.spawn(|| new_runtime().block_on(future)).join().unwrap())
}

pub(crate) fn new_runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// Returns the root folder of the repository.
pub(crate) fn repository_root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}
