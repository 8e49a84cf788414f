use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::parse;
use crate::Keyring;

/// The key set as last read, in a file: a service that begins while auth is away knows its keys all the same. They are
/// public; whoever can write here can write the service's database, too.
#[derive(Debug)]
pub(super) struct Kept {
    path: PathBuf,
}

impl Kept {
    pub(super) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// What is there, if it can be used.
    pub(super) fn ring(&self) -> Option<Keyring> {
        let document = fs::read(&self.path).ok()?;
        let ring = parse(&document);
        if let Err(reason) = &ring {
            tracing::warn!(path = %self.path.display(), "left alone: what is kept of auth's keys {reason}");
        }
        ring.ok()
    }

    /// Keeps a key set in its place. Where that fails, auth is asked after the next start, as it would have been.
    pub(super) async fn keep(&self, document: Vec<u8>) {
        let path = self.path.clone();
        let written = tokio::task::spawn_blocking(move || replace(&path, &document)).await;
        if let Err(error) = written.unwrap_or_else(|error| Err(io::Error::other(error))) {
            tracing::warn!(path = %self.path.display(), %error, "the keys of auth could not be kept");
        }
    }
}

/// Whoever reads it sees the old one or the new one; it need not survive a power failure.
fn replace(path: &Path, document: &[u8]) -> io::Result<()> {
    if fs::read(path).is_ok_and(|kept| kept == document) {
        return Ok(());
    }
    let fresh = path.with_extension("new");
    fs::write(&fresh, document)?;
    fs::rename(&fresh, path)
}
