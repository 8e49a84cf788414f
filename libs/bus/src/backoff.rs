use std::time::Duration;

use backoff::Backoff;

/// The delays after a failure of the broker or the database, the same for connections, consumers and the relay.
pub(crate) fn retry_backoff() -> Backoff {
    Backoff::new(Duration::from_millis(100), Duration::from_secs(5))
}
