use std::{
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::unix::AsyncFd;

use crate::BenchResult;

/// Waits with the precision of the kernel's timers. The runtime's own timers are rounded to milliseconds, which is more
/// than most requests take.
#[derive(Debug)]
pub(super) struct Pacer(AsyncFd<OwnedFd>);

impl Pacer {
    #[expect(
        deprecated,
        reason = "its successor is unsafe, for descriptors that may be closed meanwhile; this one is owned"
    )]
    pub(super) fn new() -> BenchResult<Self> {
        let timer = timerfd_create(
            TimerfdClockId::Monotonic,
            TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
        )?;
        Ok(Self(AsyncFd::new(timer)?))
    }

    /// Waits until `due`.
    pub(super) async fn wait_until(&self, due: Instant) -> BenchResult<()> {
        loop {
            let wait = due.saturating_duration_since(Instant::now());
            if wait.is_zero() {
                return Ok(());
            }
            timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::empty(), &once_after(wait))?;
            let mut ready = self.0.readable().await?;
            // Reads the number of expirations, which makes the timer unreadable again.
            let _ = rustix::io::read(self.0.get_ref(), &mut [0; 8]);
            ready.clear_ready();
        }
    }
}

fn once_after(wait: Duration) -> Itimerspec {
    Itimerspec {
        it_interval: Timespec { tv_sec: 0, tv_nsec: 0 },
        it_value: Timespec {
            tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(wait.subsec_nanos()),
        },
    }
}
