use std::{fmt::Display, path::Path};

/// The reason for which a drill cannot continue.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DrillError(pub String);

impl DrillError {
    pub(crate) fn new(cause: impl Display) -> Self {
        Self(cause.to_string())
    }

    pub(crate) fn file(path: &Path, error: &impl Display) -> Self {
        Self(format!("{}: {error}", path.display()))
    }
}
