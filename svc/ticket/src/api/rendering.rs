//! Pictures and documents, rendered on a bounded number of threads.

use std::sync::Arc;

use chassis::{ThreadError, run_at_low_priority};
use passes::{MAX_PASSES, Pass};
use problem::Problem;
use tokio::sync::Semaphore;

/// The number of documents that are rendered at once; further requests wait.
const CONCURRENT: usize = 2;

/// The number of requests that wait for it; further ones are refused.
const WAITING: usize = 100;

/// Renders pictures and documents off the asynchronous threads.
#[derive(Clone, Debug)]
pub(crate) struct Renderer {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Renderer {
    pub(crate) fn new() -> Self {
        Self {
            running: Arc::new(Semaphore::new(CONCURRENT)),
            waiting: Arc::new(Semaphore::new(CONCURRENT + WAITING)),
        }
    }

    /// Returns a document with these passes, at most [`MAX_PASSES`].
    pub(crate) async fn pdf(&self, passes: Vec<Pass>) -> Result<Vec<u8>, Problem> {
        debug_assert!(passes.len() <= MAX_PASSES);
        self.render(move || passes::pdf(&passes)).await
    }

    /// Renders one thing.
    pub(crate) async fn render<T, E>(&self, work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, Problem>
    where
        T: Send + 'static,
        E: std::error::Error + Send + 'static,
    {
        let busy = |error: &dyn std::error::Error| Problem::unavailable("Too many documents are being created.", error);
        let _place = self.waiting.clone().try_acquire_owned().map_err(|error| busy(&error))?;
        let running = self
            .running
            .clone()
            .acquire_owned()
            .await
            .map_err(|error| busy(&error))?;
        let work = move || {
            let result = work();
            drop(running);
            result
        };
        run_at_low_priority(work)
            .await
            .map_err(|error| match error {
                ThreadError::NotStarted(error) => busy(&error),
                error @ ThreadError::Panicked(_) => Problem::internal(&error),
            })?
            .map_err(|error| Problem::internal(&error))
    }
}
