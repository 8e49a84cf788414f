use std::{
    any::Any,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
};

use tokio::sync::oneshot;

/// The increment of the thread's nice value. At 5, the thread gets a quarter of a processor that it shares with a request.
const NICENESS: i32 = 5;

/// A failure of work at a low priority.
#[derive(Debug, thiserror::Error)]
pub enum ThreadError {
    /// The system starts no more threads.
    #[error("no thread was started: {0}")]
    NotStarted(#[from] io::Error),
    /// The work panicked, with this payload.
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
        // On Linux, this is the priority of the thread. Lowering it needs no privilege, but a sandbox may forbid it.
        if let Err(error) = rustix::process::nice(NICENESS) {
            tracing::debug!(%error, "priority of a thread not lowered");
        }
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
