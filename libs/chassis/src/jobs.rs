use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use delay_timer::prelude::{DelayTimer, DelayTimerBuilder, TaskBuilder};
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{OperatorError, recovering::RecoveryStatus};

type Work = dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync;

/// Something that is done from time to time: idempotent, and never the only guard of anything.
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
    /// Does `work` again and again, `every` whole seconds (at least one), never twice at once; the first time at once.
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

    /// Runs until shutdown. The timer only rings; the work runs here, on the service's own tasks.
    pub(crate) fn start(
        self,
        recovered: RecoveryStatus,
        shutdown: CancellationToken,
        tasks: &TaskTracker,
    ) -> Result<Bell, OperatorError> {
        let ring = Arc::new(Notify::new());
        ring.notify_one();
        let bell =
            Bell::new(&ring, self.every).map_err(|error| OperatorError(format!("the job {}: {error}", self.name)))?;
        tasks.spawn(trace::context().scope(async move {
            if shutdown.run_until_cancelled(recovered.wait()).await.is_none() {
                return;
            }
            while shutdown.run_until_cancelled(ring.notified()).await.is_some() {
                tracing::debug!(job = self.name, "running");
                (self.work)().await;
            }
        }));
        Ok(bell)
    }
}

/// Rings until it is dropped.
#[derive(Debug)]
pub(crate) struct Bell(u64);

impl Bell {
    fn new(ring: &Arc<Notify>, every: Duration) -> Result<Self, delay_timer::error::TaskError> {
        use std::sync::atomic::{AtomicU64, Ordering};
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let ring = Arc::clone(ring);
        // No `set_maximum_parallel_runnable_num`: delay_timer counts a run that ends at once as ended before it counts it
        // as begun, and then thinks that it runs for ever. Rings that coincide are one anyway.
        let task = TaskBuilder::default()
            .set_task_id(id)
            .set_frequency_repeated_by_seconds(every.as_secs().max(1))
            .to_owned()
            .spawn_async_routine(move || {
                ring.notify_one();
                std::future::ready(())
            })?;
        timer().add_task(task)?;
        Ok(Self(id))
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        if let Err(error) = timer().remove_task(self.0) {
            tracing::warn!(%error, "a job's timer could not be removed");
        }
    }
}

/// One timer wheel for the process, on two small threads of its own: all it does is ring.
fn timer() -> &'static DelayTimer {
    static TIMER: std::sync::LazyLock<DelayTimer> =
        std::sync::LazyLock::new(|| DelayTimerBuilder::default().smol_runtime_by_default().build());
    &TIMER
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
        let bell = job.start(RecoveryStatus::default(), shutdown.clone(), &tasks).unwrap();
        for _ in 0..3 {
            tokio::time::timeout(Duration::from_secs(10), more.notified())
                .await
                .unwrap();
        }
        shutdown.cancel();
        tasks.close();
        tasks.wait().await;
        drop(bell);
        assert!(count.load(Ordering::SeqCst) >= 3);
    }
}
