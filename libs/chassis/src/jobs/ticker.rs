use std::{sync::Arc, time::Duration};

use delay_timer::prelude::{DelayTimer, DelayTimerBuilder, TaskBuilder};
use tokio::sync::Notify;

/// Notifies a job periodically until it is dropped.
#[derive(Debug)]
pub(crate) struct Ticker(u64);

impl Ticker {
    pub(super) fn new(tick: &Arc<Notify>, every: Duration) -> Result<Self, delay_timer::error::TaskError> {
        use std::sync::atomic::{AtomicU64, Ordering};
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let tick = Arc::clone(tick);
        // No `set_maximum_parallel_runnable_num`: delay_timer counts the end of a run that ends at once before its start,
        // and then regards it as running for ever. Ticks that coincide are one notification anyway.
        let task = TaskBuilder::default()
            .set_task_id(id)
            .set_frequency_repeated_by_seconds(every.as_secs().max(1))
            .to_owned()
            .spawn_async_routine(move || {
                tick.notify_one();
                std::future::ready(())
            })?;
        timer().add_task(task)?;
        Ok(Self(id))
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        if let Err(error) = timer().remove_task(self.0) {
            tracing::warn!(%error, "timer of a job could not be removed");
        }
    }
}

/// The timer wheel of the process, on two threads of its own. It only notifies.
fn timer() -> &'static DelayTimer {
    static TIMER: std::sync::LazyLock<DelayTimer> =
        std::sync::LazyLock::new(|| DelayTimerBuilder::default().smol_runtime_by_default().build());
    &TIMER
}
