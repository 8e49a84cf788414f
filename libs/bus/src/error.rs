use lapin::ErrorKind;

/// AMQP 0-9-1: precondition-failed.
const PRECONDITION_FAILED: u16 = 406;

/// A failed operation on the broker. A message that was being published is still in the outbox, or in its queue.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The connection could not be opened.
    #[error("cannot connect to the broker at {url}: {reason}")]
    Unreachable {
        /// The address, without the password.
        url: String,
        /// The cause.
        reason: String,
    },
    /// The address of the broker could not be determined.
    #[error("the address of the broker is unknown: {0}")]
    UnknownAddress(String),
    /// The broker has a queue or an exchange of this name with other properties.
    #[error(
        "{name} exists in the broker with other properties; delete it once it is empty, or use another namespace ({reason})"
    )]
    Conflict {
        /// The queue or exchange.
        name: String,
        /// The broker's error text.
        reason: String,
    },
    /// The broker has no queue or exchange of this name.
    #[error(
        "the broker has no {0}: import its definitions, or start the service once in this namespace with a user that may \
         declare it"
    )]
    QueueNotFound(String),
    /// The broker refused an operation, or the connection was lost.
    #[error("the connection to the broker failed: {0}")]
    Connection(#[from] lapin::Error),
    /// The broker closed the connection, or cancelled a consumer because its queue was deleted.
    #[error("the broker closed {0}")]
    Closed(String),
    /// The broker closed the channel because of a message of the outbox.
    #[error(
        "the broker does not accept a message of the outbox, of which the largest has {bytes} bytes: raise the broker's \
         max_message_size ({reason})"
    )]
    MessageRefused {
        /// The size of the largest unconfirmed message.
        bytes: usize,
        /// The broker's error text.
        reason: String,
    },
    /// The broker did not confirm a message.
    #[error("the broker did not accept a message for {0}")]
    NotConfirmed(String),
    /// The recovery of a restored database failed.
    #[error("the restored database cannot recover yet: {0}")]
    Recovery(String),
    /// An operation exceeded its timeout.
    #[error("the broker did not respond within {0} s")]
    Timeout(u64),
}

impl Error {
    /// Whether the broker refused one message, and would refuse it again: it is larger than the broker permits, for example.
    pub(crate) fn is_refused_message(&self) -> bool {
        /// AMQP 0-9-1: content-too-large.
        const CONTENT_TOO_LARGE: u16 = 311;
        matches!(self, Self::Connection(error) if matches!(
            error.kind(),
            ErrorKind::ProtocolError(reply) if [CONTENT_TOO_LARGE, PRECONDITION_FAILED].contains(&reply.get_id())
        ))
    }

    /// Converts an error about the queue or exchange `name`.
    pub(crate) fn about(name: &str, error: lapin::Error) -> Self {
        /// AMQP 0-9-1: not-found.
        const NOT_FOUND: u16 = 404;
        match error.kind() {
            ErrorKind::ProtocolError(reply) if reply.get_id() == NOT_FOUND => Self::QueueNotFound(name.to_owned()),
            ErrorKind::ProtocolError(reply) if reply.get_id() == PRECONDITION_FAILED => Self::Conflict {
                name: name.to_owned(),
                reason: reply.get_message().to_string(),
            },
            _ => Self::Connection(error),
        }
    }
}
