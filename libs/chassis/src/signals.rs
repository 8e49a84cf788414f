use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::OperatorError;

/// The signals that stop a service: SIGTERM and SIGINT.
pub(crate) struct Stop {
    terminate: Signal,
}

impl Stop {
    /// Listens from now on.
    pub(crate) fn listen() -> Result<Self, OperatorError> {
        let terminate = signal(SignalKind::terminate()).map_err(OperatorError::new)?;
        Ok(Self { terminate })
    }

    /// Waits for one of the signals.
    pub(crate) async fn requested(&mut self) -> Result<(), OperatorError> {
        tokio::select! {
            _ = self.terminate.recv() => Ok(()),
            pressed = tokio::signal::ctrl_c() => pressed.map_err(OperatorError::new),
        }
    }
}
