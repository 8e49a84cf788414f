use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::parse;
use crate::Keyring;

/// The file with the key set that was last fetched, so that a service can verify tokens if it starts while auth is down.
///
/// The keys are public. A process that can write the file can write the service's database, too.
#[derive(Debug)]
pub(super) struct KeyFile {
    path: PathBuf,
}

impl KeyFile {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Reads the key set, if there is one that can be used.
    pub(super) fn read(&self) -> Option<Keyring> {
        let document = fs::read(&self.path).ok()?;
        let keyring = parse(&document);
        if let Err(reason) = &keyring {
            tracing::warn!(path = %self.path.display(), "file with the keys of auth ignored: it {reason}");
        }
        keyring.ok()
    }

    /// Stores a key set. If that fails, the keys are fetched after the next start.
    pub(super) async fn store(&self, document: Vec<u8>) {
        let path = self.path.clone();
        let written = tokio::task::spawn_blocking(move || replace(&path, &document)).await;
        if let Err(error) = written.unwrap_or_else(|error| Err(io::Error::other(error))) {
            tracing::warn!(path = %self.path.display(), %error, "the keys of auth could not be stored");
        }
    }
}

/// Replaces the file atomically. It need not survive a power failure.
fn replace(path: &Path, document: &[u8]) -> io::Result<()> {
    if fs::read(path).is_ok_and(|stored| stored == document) {
        return Ok(());
    }
    let fresh = path.with_extension("new");
    fs::write(&fresh, document)?;
    fs::rename(&fresh, path)
}
