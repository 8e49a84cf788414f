use std::{
    fs, io,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use db::Db;

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
         or, if it is lost, a new one and run `keys revoke`"
    )]
    Missing {
        /// The file.
        path: PathBuf,
    },
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
    match fs::read_to_string(path) {
        Ok(text) => text.parse().map_err(|error| failed(io::Error::other(error))),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
        Err(_) if is_sealed => Err(KeyFileError::Missing { path: path.to_owned() }),
        Err(_) => {
            let keys = EncryptionKeys::new(random::seed());
            create(path, &keys).map_err(failed)?;
            tracing::info!(path = %path.display(), "key created that encrypts the keys in the database");
            Ok(keys)
        }
    }
}

/// Creates the file before the first key is encrypted with it, so that it survives a power failure.
fn create(path: &Path, keys: &EncryptionKeys) -> io::Result<()> {
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(keys.to_text().as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    match path.parent() {
        Some(folder) => fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
