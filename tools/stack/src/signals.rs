use chassis::OperatorError;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How somebody asks us to stop.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// From now on they no longer end the process by themselves.
    pub(crate) fn listen() -> Result<Self, OperatorError> {
        let listen = |kind| signal(kind).map_err(OperatorError::new);
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    /// Waits for the next one; gives the exit code of a process that it ended, 128 and its number, as shells have it.
    pub(crate) async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => 130,
            _ = self.terminate.recv() => 143,
        }
    }
}
