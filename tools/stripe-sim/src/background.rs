//! The background tasks of a simulator: deliveries and scheduled effects.

use std::sync::Arc;

use tokio::sync::OnceCell;
use tokio_util::sync::DropGuard;

use crate::{scheduler, state::SimState, webhooks};

/// Starts the background tasks once, and stops the simulator when dropped.
pub(crate) struct Background {
    state: Arc<SimState>,
    started: OnceCell<()>,
    _stop: DropGuard,
}

impl Background {
    pub(crate) fn new(state: Arc<SimState>) -> Self {
        Self {
            _stop: state.stop.clone().drop_guard(),
            started: OnceCell::new(),
            state,
        }
    }

    /// Starts the tasks unless they run.
    pub(crate) async fn start(&self) {
        self.started
            .get_or_init(|| async {
                self.state.tasks.spawn(webhooks::run(self.state.clone()));
                self.state.tasks.spawn(scheduler::run(self.state.clone()));
            })
            .await;
    }
}
