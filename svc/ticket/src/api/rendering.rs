//! Pictures and documents, rendered on a bounded number of threads.

use std::sync::Arc;

use chassis::{ThreadError, run_at_low_priority};
use passes::{MAX_PASSES, Pass};
use problem::Problem;
use tokio::sync::Semaphore;
use values::UserId;

use super::places::Places;

/// The number of documents that are rendered at once; further requests wait.
const CONCURRENT: usize = 2;

/// The number of requests that wait for it; further ones are refused.
const WAITING: usize = 100;

/// The number of requests of one user that are rendered or wait for it; further ones are refused. An order has ten tickets by
/// default, whose codes a program may request at once.
const PER_USER: usize = 16;

/// Renders pictures and documents off the asynchronous threads.
#[derive(Clone, Debug)]
pub(crate) struct Renderer {
    running: Arc<Semaphore>,
    places: Places,
}

impl Renderer {
    pub(crate) fn new() -> Self {
        Self {
            running: Arc::new(Semaphore::new(CONCURRENT)),
            places: Places::new(CONCURRENT + WAITING, PER_USER),
        }
    }

    /// Returns a document with these passes, at most [`MAX_PASSES`], for a user.
    pub(crate) async fn pdf(&self, user: UserId, passes: Vec<Pass>) -> Result<Vec<u8>, Problem> {
        debug_assert!(passes.len() <= MAX_PASSES);
        self.render(user, move || passes::pdf(&passes)).await
    }

    /// Renders one thing for a user.
    pub(crate) async fn render<T, E>(
        &self,
        user: UserId,
        work: impl FnOnce() -> Result<T, E> + Send + 'static,
    ) -> Result<T, Problem>
    where
        T: Send + 'static,
        E: std::error::Error + Send + 'static,
    {
        let busy = |error: &dyn std::error::Error| Problem::unavailable("Too many documents are being created.", error);
        let place = self.places.take(user).map_err(|error| busy(&error))?;
        let running = self
            .running
            .clone()
            .acquire_owned()
            .await
            .map_err(|error| busy(&error))?;
        let work = move || {
            let _held = (running, place);
            work()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::NOW;

    #[tokio::test]
    async fn a_user_with_many_requests_leaves_places_to_others() {
        let renderer = Renderer::new();
        let [user, other] = [0; 2].map(|_| UserId::new(NOW));
        let render = |user| renderer.render(user, || Ok::<_, std::io::Error>(()));
        let places: Vec<_> = (0..PER_USER).map(|_| renderer.places.take(user).unwrap()).collect();
        assert_eq!(render(user).await.unwrap_err().status(), 503);
        render(other).await.unwrap();
        drop(places);
        render(user).await.unwrap();
    }
}
