use std::{future::Future, time::Duration};

use hyper::rt::Executor;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

/// Runs the streams of HTTP/2 connections, each until a deadline. A stream that is dropped is reset.
#[derive(Clone)]
pub(super) struct StreamTasks {
    pub(super) tasks: TaskTracker,
    pub(super) timeout: Duration,
}

impl<F> Executor<F> for StreamTasks
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let limit = self.timeout;
        self.tasks.spawn(async move {
            if timeout(limit, stream).await.is_err() {
                tracing::debug!("stream reset: its client was too slow");
            }
        });
    }
}
