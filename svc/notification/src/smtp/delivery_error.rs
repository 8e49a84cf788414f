/// A mail was not delivered.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum DeliveryError {
    /// It may be delivered later.
    #[error("{0}")]
    Temporary(String),
    /// It will never be accepted.
    #[error("{0}")]
    Permanent(String),
}
