use std::{
    any::Any,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
};

use tokio::sync::oneshot;

/// What the thread adds to the nice value of the process. At 5, it gets a quarter of a processor that a request wants, too.
const NICENESS: i32 = 5;

/// Why work at a low priority has no result.
#[derive(Debug, thiserror::Error)]
pub enum ThreadError {
    /// The system starts no more threads.
    #[error("no thread was started: {0}")]
    NotStarted(#[from] io::Error),
    /// The work panicked; what it panicked with.
    #[error("the work panicked")]
    Panicked(Box<dyn Any + Send>),
}

/// Runs work that occupies a processor for milliseconds, such as hashing a password, on a thread of its own, whose priority is
/// lower than that of requests: a request that becomes ready does not wait for it.
///
/// The caller bounds how many run at once. Once started, the work runs to its end, also if the caller is cancelled.
pub async fn run_at_low_priority<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ThreadError> {
    let (sender, result) = oneshot::channel();
    thread::Builder::new().name("low-priority".to_owned()).spawn(move || {
        // Everybody may lower a priority. On Linux, it is that of the thread.
        let _ = rustix::process::nice(NICENESS);
        // The caller may have been cancelled.
        let _ = sender.send(catch_unwind(AssertUnwindSafe(work)));
    })?;
    let result = result.await.map_err(|_| io::Error::other("the thread ended"))?;
    result.map_err(ThreadError::Panicked)
}

#[cfg(test)]
mod tests {
    use rustix::process::getpriority_process;

    use super::*;

    #[tokio::test]
    async fn the_priority_is_lower_than_that_of_requests() {
        let lower = run_at_low_priority(|| getpriority_process(None).unwrap())
            .await
            .unwrap();
        let own = getpriority_process(None).unwrap();
        assert_eq!(lower, (own + NICENESS).min(19));
    }

    #[tokio::test]
    async fn a_panic_is_an_error() {
        let panicked = run_at_low_priority(|| panic!("a bug")).await;
        assert!(matches!(panicked, Err(ThreadError::Panicked(_))), "{panicked:?}");
    }
}
