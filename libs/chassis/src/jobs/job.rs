use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;

use super::Ticker;
use crate::{OperatorError, recovery::RecoveryStatus};

type Work = dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync;

/// Periodic work. It is idempotent, and no invariant depends on it alone.
#[derive(Clone)]
pub struct Job {
    every: Duration,
    name: &'static str,
    work: Arc<Work>,
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} every {:?}", self.name, self.every)
    }
}

impl Job {
    /// Runs `work` at once and then every whole seconds of `every` (at least one), never twice at the same time.
    pub fn every<F, W>(every: Duration, name: &'static str, work: W) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
        W: Fn() -> F + Send + Sync + 'static,
    {
        Self {
            every,
            name,
            work: Arc::new(move || Box::pin(work())),
        }
    }

    /// Runs until shutdown. The timer only notifies; the work runs on the service's own tasks.
    pub(crate) fn start(
        self,
        recovered: RecoveryStatus,
        shutdown: CancellationToken,
        tasks: &TaskTracker,
    ) -> Result<Ticker, OperatorError> {
        let tick = Arc::new(Notify::new());
        tick.notify_one();
        let ticker =
            Ticker::new(&tick, self.every).map_err(|error| OperatorError(format!("the job {}: {error}", self.name)))?;
        let work = async move {
            if shutdown.run_until_cancelled(recovered.wait()).await.is_none() {
                return;
            }
            while shutdown.run_until_cancelled(tick.notified()).await.is_some() {
                tracing::debug!(job = self.name, "running");
                (self.work)().await;
            }
        };
        tasks.spawn(work.in_current_span());
        Ok(ticker)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_job_runs_at_once_and_again_until_shutdown() {
        let (shutdown, tasks) = (CancellationToken::new(), TaskTracker::new());
        let (count, more) = (Arc::new(AtomicU32::new(0)), Arc::new(Notify::new()));
        let job = Job::every(Duration::from_secs(1), "count", {
            let (count, more) = (Arc::clone(&count), Arc::clone(&more));
            move || {
                count.fetch_add(1, Ordering::SeqCst);
                more.notify_one();
                std::future::ready(())
            }
        });
        let ticker = job.start(RecoveryStatus::default(), shutdown.clone(), &tasks).unwrap();
        for _ in 0..3 {
            tokio::time::timeout(Duration::from_secs(10), more.notified())
                .await
                .unwrap();
        }
        shutdown.cancel();
        tasks.close();
        tasks.wait().await;
        drop(ticker);
        assert!(count.load(Ordering::SeqCst) >= 3);
    }
}
