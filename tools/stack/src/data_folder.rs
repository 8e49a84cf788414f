use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use bus::Namespace;
use chassis::OperatorError;
use sealing::{EncryptionKeys, key_file::KeyFile};
use values::{Clock, EventId};

/// The folder with all data of a stack. One stack at a time uses it.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    /// Locked until dropped or until the process ends.
    lock: File,
}

impl Drop for DataFolder {
    fn drop(&mut self) {
        // Closing the file is not enough: a child process holds the lock, too, until it runs its own program. An error
        // would mean that the folder stays locked until this process ends, which is safe.
        let _ = self.lock.unlock();
    }
}

impl DataFolder {
    /// Opens the folder and locks it. A missing folder is created, readable by its owner only.
    ///
    /// # Errors
    ///
    /// A folder that cannot be created or written, or that another stack uses.
    pub fn open(path: &Path) -> Result<Self, OperatorError> {
        let unusable = |error| OperatorError(format!("the data folder {} cannot be used: {error}", path.display()));
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(unusable)?;
        let lock = owner_only()
            .truncate(false)
            .create(true)
            .open(path.join("lock"))
            .map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                lock,
            }),
            Err(TryLockError::WouldBlock) => Err(OperatorError(format!(
                "the data folder {} is in use: another stack runs with it; stop that one, or choose another folder with --data",
                path.display()
            ))),
            Err(TryLockError::Error(error)) => Err(unusable(error)),
        }
    }

    /// Returns the path of a database: a service's, or the Stripe simulator's.
    pub fn database(&self, name: &str) -> PathBuf {
        database(&self.path, name)
    }

    /// Returns a key that services share, from a file that is created once: `mail.key`, `admission.key`.
    pub async fn shared_key(&self, name: &str) -> Result<EncryptionKeys, OperatorError> {
        let file = KeyFile {
            path: self.path.join(format!("{name}.key")),
            may_create: true,
            advice: "and what services have stored is encrypted with it: restore it",
        };
        file.open().await.map_err(OperatorError::new)
    }

    /// Returns the prefix of all names in the broker. It is generated once per folder, so that two clones that share a
    /// broker never share a queue.
    pub fn namespace(&self, clock: &Clock) -> Result<Namespace, OperatorError> {
        let path = self.path.join("namespace");
        match fs::read_to_string(&path) {
            Ok(text) => text
                .trim()
                .parse()
                .map_err(|error| OperatorError(format!("{}: {error}", path.display()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let generated = format!("ticketing-{}", EventId::new(clock.now()));
                write_atomically(&path, &generated)
                    .map_err(|error| OperatorError(format!("{} cannot be written: {error}", path.display())))?;
                generated.parse().map_err(OperatorError::new)
            }
            Err(error) => Err(OperatorError(format!("{} cannot be read: {error}", path.display()))),
        }
    }
}

pub(crate) fn database(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.db"))
}

/// Returns options for a file that only its owner may read.
fn owner_only() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

/// Writes a file atomically: half a name would be another namespace.
fn write_atomically(path: &Path, text: &str) -> io::Result<()> {
    use io::Write;
    let draft = path.with_extension("draft");
    let mut file = owner_only().create(true).truncate(true).open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(draft, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_used_by_one_stack_at_a_time_and_keeps_its_namespace() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a").join("b");
        let folder = DataFolder::open(&path).unwrap();
        let namespace = folder.namespace(&Clock::system()).unwrap();
        assert!(DataFolder::open(&path).unwrap_err().to_string().contains("is in use"));
        drop(folder);
        assert_eq!(
            DataFolder::open(&path).unwrap().namespace(&Clock::system()).unwrap(),
            namespace
        );
        let other = DataFolder::open(parent.path()).unwrap();
        assert_ne!(other.namespace(&Clock::system()).unwrap(), namespace);
    }

    #[test]
    fn an_unusable_folder_is_named_in_the_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let message = DataFolder::open(&file.path().join("data")).unwrap_err().to_string();
        assert!(message.contains("/data cannot be used: Not a directory"), "{message}");
    }
}
