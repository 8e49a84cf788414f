//! Requests that a test holds.

use std::{fmt, sync::Arc};

use tokio::sync::watch;

/// Whether held requests wait, and how they continue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GateState {
    Closed,
    /// Requests continue.
    Open,
    /// The connections of the requests are closed.
    Cut,
}

/// How a request leaves the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passage {
    Proceed,
    Disconnect,
}

/// The point at which held requests wait.
pub(crate) struct Gate {
    arrived: watch::Sender<u32>,
    state: watch::Sender<GateState>,
}

impl Gate {
    pub(super) fn new() -> Self {
        Self {
            arrived: watch::Sender::new(0),
            state: watch::Sender::new(GateState::Closed),
        }
    }

    /// Waits until the gate is opened.
    pub(super) async fn pass(&self) -> Passage {
        self.arrived.send_modify(|arrived| *arrived += 1);
        // The gate holds the sender: waiting cannot fail.
        let state = self
            .state
            .subscribe()
            .wait_for(|state| *state != GateState::Closed)
            .await
            .map(|state| *state);
        if matches!(state, Ok(GateState::Cut)) {
            Passage::Disconnect
        } else {
            Passage::Proceed
        }
    }

    /// Waits until at least `count` requests have arrived. Returns their number.
    pub(crate) async fn wait_for_requests(&self, count: u32) -> u32 {
        self.arrived
            .subscribe()
            .wait_for(|arrived| *arrived >= count)
            .await
            .map_or(0, |arrived| *arrived)
    }

    /// Returns the number of requests that have arrived.
    pub(crate) fn arrived(&self) -> u32 {
        *self.arrived.borrow()
    }

    /// Opens a closed gate; an open one stays as it is.
    pub(crate) fn open(&self, new: GateState) {
        self.state.send_if_modified(|state| {
            let closed = *state == GateState::Closed;
            if closed {
                *state = new;
            }
            closed
        });
    }
}

/// Requests that a test holds. Dropping it releases them.
pub struct Hold {
    gate: Arc<Gate>,
}

impl Hold {
    pub(super) fn new(gate: Arc<Gate>) -> Self {
        Self { gate }
    }

    /// Waits until a request is held.
    pub async fn wait_for_request(&self) {
        self.wait_for_requests(1).await;
    }

    /// Waits until this number of requests has been held, one after the other or at once.
    pub async fn wait_for_requests(&self, count: u32) {
        self.gate.wait_for_requests(count).await;
    }

    /// Lets the requests continue.
    pub fn release(self) {
        self.gate.open(GateState::Open);
    }

    /// Closes the connections of the requests without a response.
    pub fn cut(self) {
        self.gate.open(GateState::Cut);
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hold").field("arrived", &self.gate.arrived()).finish()
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.gate.open(GateState::Open);
    }
}
