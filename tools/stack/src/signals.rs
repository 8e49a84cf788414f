use chassis::OperatorError;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that stop the stack: SIGINT and SIGTERM.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Registers the handlers. From then on the signals do not end the process by themselves.
    pub(crate) fn listen() -> Result<Self, OperatorError> {
        let listen = |kind| signal(kind).map_err(OperatorError::new);
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    /// Waits for the next signal and returns the exit code that shells use for it: 128 plus its number.
    pub(crate) async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => 130,
            _ = self.terminate.recv() => 143,
        }
    }
}
