use std::{fmt::Display, path::Path};

/// The reason for which a round cannot be run. It is no violation.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct TortureError(pub(crate) String);

impl TortureError {
    pub(crate) fn new(cause: impl Display) -> Self {
        Self(cause.to_string())
    }

    pub(crate) fn file(path: &Path, error: &impl Display) -> Self {
        Self(format!("{}: {error}", path.display()))
    }
}
