use tokio_util::sync::CancellationToken;

/// The two steps in which a server stops.
#[derive(Clone, Debug)]
pub struct ServerShutdown {
    /// Cancelled first: every response closes its connection. New connections are still accepted, until the
    /// load balancer has noticed.
    pub draining: CancellationToken,
    /// Cancelled later: no connection is accepted, and running requests may finish.
    pub stopping: CancellationToken,
}

impl From<CancellationToken> for ServerShutdown {
    /// Both steps at once.
    fn from(token: CancellationToken) -> Self {
        Self {
            draining: token.clone(),
            stopping: token,
        }
    }
}

/// Why a connection was closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum CloseReason {
    /// The client closed it, or the last response said so.
    Done,
    /// It broke, or the client sent something that is not HTTP.
    Error,
    /// No request came.
    Idle,
    /// The head of a request did not come in time.
    HeadTimeout,
    /// The client did not accept a response in time.
    WriteTimeout,
    /// Another connection needed its place.
    Evicted,
    /// The client cancelled too many of its requests.
    Cancelling,
    /// The server stopped.
    Shutdown,
}

impl CloseReason {
    pub(super) const ALL: [Self; 8] = [
        Self::Done,
        Self::Error,
        Self::Idle,
        Self::HeadTimeout,
        Self::WriteTimeout,
        Self::Evicted,
        Self::Cancelling,
        Self::Shutdown,
    ];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Error => "error",
            Self::Idle => "idle",
            Self::HeadTimeout => "head-timeout",
            Self::WriteTimeout => "write-timeout",
            Self::Evicted => "evicted",
            Self::Cancelling => "cancelling",
            Self::Shutdown => "shutdown",
        }
    }
}
