use std::{
    fs, io,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use db::Db;
use zeroize::Zeroizing;

use crate::{domain::EncryptionKeys, random, store};

/// The encryption key cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyFileError {
    /// The file beside the database cannot be read or written.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        error: io::Error,
    },
    /// The keys are encrypted, and the file with their key is missing.
    #[error(
        "{path} is missing, the key that the keys in the database are encrypted with: give it as --encryption-key-file, \
         or, if it is lost, a new one to `keys revoke --lost-encryption-key`"
    )]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file is empty: a release up to 0.1 was interrupted while it created the file, or its content is lost.
    #[error("{path} is empty, {}", if *is_sealed {
        "and the keys in the database are encrypted: restore the file, give their key as --encryption-key-file, or, if it is \
         lost, a new one to `keys revoke --lost-encryption-key`"
    } else {
        "and no key in the database is encrypted: delete the file, and it is created again"
    })]
    Empty {
        /// The file.
        path: PathBuf,
        /// Whether keys in the database are encrypted.
        is_sealed: bool,
    },
    /// The encryption key is lost, and no new one is given.
    #[error("the new encryption key is missing: give it as --encryption-key-file, to the service as well")]
    NotGiven,
    /// The database cannot be read.
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Returns the encryption keys: those that are given, else that in a file beside the database, `auth.key` for `auth.db`. The
/// file is created with a database that has no encrypted keys.
pub(crate) async fn encryption_keys(db: &Db, given: Option<EncryptionKeys>) -> Result<EncryptionKeys, KeyFileError> {
    if let Some(given) = given {
        return Ok(given);
    }
    let state = |conn: &rusqlite::Connection| -> Result<_, db::Error> {
        let path = conn.path().map(PathBuf::from).unwrap_or_default();
        Ok((path, store::has_sealed_keys(conn)?))
    };
    let (database, is_sealed) = db.read_internal(state).await?;
    let path = database.with_extension("key");
    tokio::task::spawn_blocking(move || read_or_create(&path, is_sealed))
        .await
        .unwrap_or_else(|ended| std::panic::resume_unwind(ended.into_panic()))
}

fn read_or_create(path: &Path, is_sealed: bool) -> Result<EncryptionKeys, KeyFileError> {
    let failed = |error| KeyFileError::Io {
        path: path.to_owned(),
        error,
    };
    if let Some(keys) = read(path, is_sealed)? {
        return Ok(keys);
    }
    if is_sealed {
        return Err(KeyFileError::Missing { path: path.to_owned() });
    }
    let keys = EncryptionKeys::new(random::seed());
    match create(path, &keys) {
        Ok(()) => {
            tracing::info!(path = %path.display(), "key created that encrypts the keys in the database");
            Ok(keys)
        }
        // Another process has created it meanwhile.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            read(path, is_sealed)?.ok_or_else(|| failed(io::ErrorKind::NotFound.into()))
        }
        Err(error) => Err(failed(error)),
    }
}

/// Returns the keys of the file. `None` if it does not exist.
fn read(path: &Path, is_sealed: bool) -> Result<Option<EncryptionKeys>, KeyFileError> {
    let failed = |error| KeyFileError::Io {
        path: path.to_owned(),
        error,
    };
    match fs::read_to_string(path).map(Zeroizing::new) {
        Ok(text) if text.trim().is_empty() => Err(KeyFileError::Empty {
            path: path.to_owned(),
            is_sealed,
        }),
        Ok(text) => Ok(Some(text.parse().map_err(|error| failed(io::Error::other(error)))?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

/// Creates the file before the first key is encrypted with it, so that it survives a power failure. An interrupted creation
/// leaves only a file of another name, never a part of this one. An error if the file exists.
fn create(path: &Path, keys: &EncryptionKeys) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let (folder, name) = (folder.unwrap_or(Path::new(".")), path.file_name().unwrap_or_default());
    // A name of its own: another process may create the file at the same time.
    let mut new = tempfile::Builder::new()
        .prefix(name)
        .suffix(".new")
        .permissions(fs::Permissions::from_mode(0o600))
        .tempfile_in(folder)?;
    new.write_all(keys.to_text().as_bytes())?;
    new.write_all(b"\n")?;
    new.as_file().sync_all()?;
    new.persist_noclobber(path)?;
    fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_complete_as_soon_as_it_exists_and_is_created_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("auth.key");
        let created: Vec<_> = std::thread::scope(|scope| {
            let start = || scope.spawn(|| read_or_create(&path, false).unwrap().to_text());
            let started: Vec<_> = (0..8).map(|_| start()).collect();
            started.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(created.iter().all(|keys| *keys == created[0]), "all have the same key");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn an_empty_file_is_an_error_that_states_the_way_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("auth.key");
        for content in ["", "\n"] {
            fs::write(&path, content).unwrap();
            let refused = |is_sealed| read_or_create(&path, is_sealed).unwrap_err().to_string();
            assert!(refused(false).ends_with("delete the file, and it is created again"));
            assert!(refused(true).contains("keys revoke --lost-encryption-key"));
            assert_eq!(fs::read_to_string(&path).unwrap(), content, "nothing is changed");
        }
    }
}
