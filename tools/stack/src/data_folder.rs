use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use bus::Namespace;
use chassis::OperatorError;
use values::{Clock, EventId};

/// The folder that keeps everything from one run to the next. One stack at a time uses it.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    /// Locked until it is dropped, or the process ends, however it ends.
    _lock: File,
}

impl DataFolder {
    /// Opens the folder, which is created where it is missing, for its owner alone.
    pub fn open(path: &Path) -> Result<Self, OperatorError> {
        let unusable = |error| OperatorError(format!("the data folder {} cannot be used: {error}", path.display()));
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(unusable)?;
        let lock = private()
            .truncate(false)
            .create(true)
            .open(path.join("lock"))
            .map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(OperatorError(format!(
                "the data folder {} is in use: another stack runs with it; stop that one, or choose another folder with --data",
                path.display()
            ))),
            Err(TryLockError::Error(error)) => Err(unusable(error)),
        }
    }

    /// Where the database of a service, or of the double, is.
    pub fn database(&self, name: &str) -> PathBuf {
        database(&self.path, name)
    }

    /// What all names in the broker begin with: drawn once for each folder, so that two clones which share a broker
    /// never share a queue.
    pub fn namespace(&self, clock: &Clock) -> Result<Namespace, OperatorError> {
        let path = self.path.join("namespace");
        match fs::read_to_string(&path) {
            Ok(text) => text
                .trim()
                .parse()
                .map_err(|error| OperatorError(format!("{}: {error}", path.display()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let drawn = format!("ticketing-{}", EventId::new(clock.now()));
                write_whole(&path, &drawn)
                    .map_err(|error| OperatorError(format!("{} cannot be written: {error}", path.display())))?;
                drawn.parse().map_err(OperatorError::new)
            }
            Err(error) => Err(OperatorError(format!("{} cannot be read: {error}", path.display()))),
        }
    }
}

pub(crate) fn database(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.db"))
}

/// For a file that only its owner may read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

/// The file is there with all of its content, or not at all: half a name would be another namespace.
fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    use io::Write;
    let draft = path.with_extension("draft");
    let mut file = private().create(true).truncate(true).open(&draft)?;
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
    fn a_folder_that_cannot_be_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let told = DataFolder::open(&file.path().join("data")).unwrap_err().to_string();
        assert!(told.contains("/data cannot be used: Not a directory"), "{told}");
    }
}
