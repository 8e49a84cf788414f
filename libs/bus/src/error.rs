use lapin::ErrorKind;

/// Why the broker did not do what was asked. Whatever was being published is still where it was.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no broker at the address, or it does not let us in.
    #[error("no broker lets us in at {at}: {reason}")]
    Unreachable {
        /// The address, without the password.
        at: String,
        /// What went wrong on the way.
        reason: String,
    },
    /// Nobody knows where the broker is.
    #[error("it is not known where the broker is: {0}")]
    Nowhere(String),
    /// The broker has a queue or an exchange of this name with other properties.
    #[error(
        "{name} exists in the broker with other properties; delete it once it is empty, or use another namespace ({reason})"
    )]
    Conflict {
        /// The queue or exchange.
        name: String,
        /// What the broker said.
        reason: String,
    },
    /// The broker has no queue of this name.
    #[error("there is no queue {0} in the broker: has the service ever run in this namespace?")]
    Missing(String),
    /// The broker said no, or the connection broke.
    #[error("the connection to the broker failed: {0}")]
    Lost(#[from] lapin::Error),
    /// The broker closed the connection, or cancelled a consumer because its queue was deleted.
    #[error("the broker stopped serving {0}")]
    Stopped(String),
    /// The broker did not take responsibility for a message.
    #[error("the broker did not accept a message for {0}")]
    Refused(String),
    /// A restored database could not catch up yet.
    #[error("the restored database cannot catch up: {0}")]
    CatchingUp(String),
    /// The broker did not answer in time.
    #[error("the broker did not answer within {0} s")]
    Silent(u64),
}

impl Error {
    /// What went wrong with the queue or exchange `name`.
    pub(crate) fn about(name: &str, error: lapin::Error) -> Self {
        /// AMQP 0-9-1: not-found.
        const NOT_FOUND: u16 = 404;
        /// AMQP 0-9-1: precondition-failed.
        const PRECONDITION_FAILED: u16 = 406;
        match error.kind() {
            ErrorKind::ProtocolError(said) if said.get_id() == NOT_FOUND => Self::Missing(name.to_owned()),
            ErrorKind::ProtocolError(said) if said.get_id() == PRECONDITION_FAILED => Self::Conflict {
                name: name.to_owned(),
                reason: said.get_message().to_string(),
            },
            _ => Self::Lost(error),
        }
    }
}
