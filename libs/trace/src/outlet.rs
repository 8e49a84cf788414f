use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::mpsc;

use crate::Recorded;

/// Takes spans that have ended. It never waits: what does not fit is dropped, and counted.
#[derive(Clone, Debug)]
pub struct Outlet(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    queue: mpsc::Sender<Recorded>,
    dropped: AtomicU64,
    percent: u8,
}

impl Outlet {
    /// An outlet for `percent` of the traces that begin here, and where its spans come out; up to `room` of them wait.
    pub fn new(room: usize, percent: u8) -> (Self, mpsc::Receiver<Recorded>) {
        let (queue, spans) = mpsc::channel(room.max(1));
        (
            Self(Arc::new(Inner {
                queue,
                dropped: AtomicU64::new(0),
                percent,
            })),
            spans,
        )
    }

    /// How many spans were dropped so far, because whoever takes them is too slow.
    pub fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }

    pub(crate) fn percent(&self) -> u8 {
        self.0.percent
    }

    pub(crate) fn take(&self, span: Recorded) {
        if self.0.queue.try_send(span).is_err() {
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

static OF_THE_PROCESS: OnceLock<Outlet> = OnceLock::new();

/// The process has an outlet already.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("spans are recorded already")]
pub struct AlreadyRecording;

/// Makes `outlet` the one of the process: like the log, there is one. Services that start from now on use it.
pub fn record_to(outlet: Outlet) -> Result<(), AlreadyRecording> {
    OF_THE_PROCESS.set(outlet).map_err(|_| AlreadyRecording)
}

/// How many spans the process has dropped so far; `None` where it records none.
pub fn dropped() -> Option<u64> {
    OF_THE_PROCESS.get().map(Outlet::dropped)
}

pub(crate) fn of_the_process() -> Option<Outlet> {
    OF_THE_PROCESS.get().cloned()
}
