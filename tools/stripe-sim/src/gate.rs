//! Where requests wait until a test lets them go.

use std::{fmt, sync::Arc};

use tokio::sync::watch;

use crate::faults::Then;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opened {
    Not,
    Go,
    Cut,
}

/// Where held requests wait.
pub(crate) struct Gate {
    arrived: watch::Sender<u32>,
    opened: watch::Sender<Opened>,
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self {
            arrived: watch::Sender::new(0),
            opened: watch::Sender::new(Opened::Not),
        }
    }

    pub(crate) async fn pass(&self) -> Then {
        self.arrived.send_modify(|arrived| *arrived += 1);
        // The gate holds the sender: waiting cannot fail.
        let opened = self
            .opened
            .subscribe()
            .wait_for(|opened| *opened != Opened::Not)
            .await
            .map(|opened| *opened);
        if matches!(opened, Ok(Opened::Cut)) {
            Then::Cut
        } else {
            Then::Go
        }
    }

    pub(crate) async fn wait_for_requests(&self, count: u32) -> u32 {
        self.arrived
            .subscribe()
            .wait_for(|arrived| *arrived >= count)
            .await
            .map_or(0, |arrived| *arrived)
    }

    pub(crate) fn arrived(&self) -> u32 {
        *self.arrived.borrow()
    }

    pub(crate) fn open(&self, how: Opened) {
        self.opened.send_if_modified(|opened| {
            let closed = *opened == Opened::Not;
            if closed {
                *opened = how;
            }
            closed
        });
    }
}

/// A test's hand on the requests that it holds. Dropping it lets them go.
pub struct Hold {
    gate: Arc<Gate>,
}

impl Hold {
    pub(crate) fn new(gate: Arc<Gate>) -> Self {
        Self { gate }
    }

    /// Waits until a request is held.
    pub async fn wait_for_request(&self) {
        self.wait_for_requests(1).await;
    }

    /// Waits until so many requests were held, one after the other or at once.
    pub async fn wait_for_requests(&self, count: u32) {
        self.gate.wait_for_requests(count).await;
    }

    /// Lets them go on.
    pub fn release(self) {
        self.gate.open(Opened::Go);
    }

    /// Ends their connections without an answer.
    pub fn cut(self) {
        self.gate.open(Opened::Cut);
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hold").field("arrived", &self.gate.arrived()).finish()
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.gate.open(Opened::Go);
    }
}
