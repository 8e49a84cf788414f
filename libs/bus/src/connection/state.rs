use values::Timestamp;

/// The state of a service's connection to the broker.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConnectionState {
    /// The first attempt to connect is in progress.
    Connecting,
    /// The service publishes and consumes.
    Connected,
    /// The service consumes. The broker accepts no messages because it lacks memory or disk space: published events stay in
    /// the outbox.
    Blocked {
        /// The time of the broker's notice.
        since: Timestamp,
        /// The reason that the broker gives.
        reason: String,
    },
    /// There is no connection: published events stay in the outbox.
    Down {
        /// The time of the loss, or of the first failed attempt.
        since: Timestamp,
        /// The latest failure, without secrets.
        reason: String,
    },
}
