//! Incomplete files of the operator's commands.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::Error;
use crate::open::sibling;

const SUFFIX: &str = ".partial";

/// The files that SQLite creates beside a database.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// An incomplete file. It is renamed to its target when it is complete, and deleted on drop.
///
/// It is locked while its process runs. The system releases the lock of a process that is killed, so a later one
/// recognises the file as abandoned.
pub(super) struct PartialFile {
    pub(super) path: PathBuf,
    _lock: File,
}

impl PartialFile {
    /// Creates an incomplete file beside `target`, or takes over an abandoned one.
    pub(super) fn beside(target: &Path) -> Result<Self, Error> {
        Self::at(sibling(target, SUFFIX))
    }

    /// Creates an incomplete file beside `target` that [`delete_abandoned`](Self::delete_abandoned) finds by `mark`.
    pub(super) fn of_service(target: &Path, mark: &str) -> Result<Self, Error> {
        Self::at(sibling(target, &format!(".{mark}{SUFFIX}")))
    }

    fn at(path: PathBuf) -> Result<Self, Error> {
        let lock = lock(&path)?.ok_or_else(|| Error::BeingWritten(path.clone()))?;
        lock.set_len(0).map_err(Error::io(&path))?;
        remove_companions(&path)?;
        Ok(Self { path, _lock: lock })
    }

    /// Deletes the incomplete files with `mark` in `folder` that no process writes.
    pub(super) fn delete_abandoned(folder: &Path, mark: &str) -> Result<(), Error> {
        let suffix = format!(".{mark}{SUFFIX}");
        for entry in fs::read_dir(folder).map_err(Error::io(folder))? {
            let path = entry.map_err(Error::io(folder))?.path();
            let is_partial = path
                .file_name()
                .is_some_and(|name| name.as_encoded_bytes().ends_with(suffix.as_bytes()));
            if is_partial && let Some(_lock) = lock(&path)? {
                tracing::info!(file = %path.display(), "incomplete file of a killed process deleted");
                remove_if_exists(&path)?;
                remove_companions(&path)?;
            }
        }
        Ok(())
    }

    /// Syncs and renames the file, in an order that is safe at a power failure.
    pub(super) fn publish(self, target: &Path) -> Result<(), Error> {
        let sync = |path: &Path| {
            File::open(path)
                .and_then(|file| file.sync_all())
                .map_err(Error::io(path))
        };
        sync(&self.path)?;
        fs::rename(&self.path, target).map_err(Error::io(target))?;
        sync(folder_of(target))
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        if let Err(error) = remove_if_exists(&self.path).and_then(|()| remove_companions(&self.path)) {
            tracing::warn!(%error, "incomplete copy could not be deleted");
        }
    }
}

/// Opens or creates a file and locks it. Returns `None` if another process has locked it.
fn lock(path: &Path) -> Result<Option<File>, Error> {
    loop {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(path).map_err(Error::io(path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(Error::io(path)(error)),
        }
        // Its previous owner may have deleted or renamed it before it was locked.
        let locked = file.metadata().map_err(Error::io(path))?;
        if fs::metadata(path).is_ok_and(|current| (current.dev(), current.ino()) == (locked.dev(), locked.ino())) {
            return Ok(Some(file));
        }
    }
}

/// Checks that the folder of `target` has room for so many copies of the database at `path`.
pub(super) fn require_room(path: &Path, target: &Path, copies: u64) -> Result<(), Error> {
    let size = fs::metadata(path).map_err(Error::io(path))?.len();
    let log = fs::metadata(sibling(path, "-wal")).map_or(0, |log| log.len());
    let needed = size.saturating_add(log).saturating_mul(copies);
    let folder = folder_of(target);
    let stats = rustix::fs::statvfs(folder).map_err(|error| Error::io(folder)(error.into()))?;
    let free = stats.f_bavail.saturating_mul(stats.f_frsize);
    if free < needed {
        return Err(Error::NoRoom {
            folder: PathBuf::from(folder),
            needed,
            free,
        });
    }
    Ok(())
}

/// Returns the folder of a file.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

pub(super) fn remove_if_exists(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(path)(error)),
        _ => Ok(()),
    }
}

fn remove_companions(path: &Path) -> Result<(), Error> {
    COMPANIONS
        .into_iter()
        .try_for_each(|suffix| remove_if_exists(&sibling(path, suffix)))
}
