//! A file with encryption keys beside a database: read, or created once.

use std::{
    fs, io,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use crate::{EncryptionKeys, random};

/// A file with encryption keys.
#[derive(Clone, Debug)]
pub struct KeyFile {
    /// The file.
    pub path: PathBuf,
    /// Whether a missing file is created: nothing that is stored is encrypted with its key.
    pub may_create: bool,
    /// What an error states after the name of a file that is lost: what is encrypted with the key, and what to do.
    pub advice: &'static str,
}

/// The encryption keys of a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be read or written, or its text is malformed.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        error: io::Error,
    },
    /// The file is missing, and may not be created.
    #[error("{path} is missing, {advice}")]
    Missing {
        /// The file.
        path: PathBuf,
        /// What to do.
        advice: String,
    },
    /// The file is empty: a release up to 0.1 was interrupted while it created the file, or its content is lost.
    #[error("{path} is empty, {advice}")]
    Empty {
        /// The file.
        path: PathBuf,
        /// What to do.
        advice: String,
    },
}

impl KeyFile {
    /// Returns the keys of the file. A missing file is created with a random key, if that is allowed.
    ///
    /// # Errors
    ///
    /// The file cannot be read or created, has no keys, or is missing and may not be created.
    pub async fn open(self) -> Result<EncryptionKeys, KeyFileError> {
        tokio::task::spawn_blocking(move || self.read_or_create())
            .await
            .unwrap_or_else(|ended| std::panic::resume_unwind(ended.into_panic()))
    }

    fn read_or_create(&self) -> Result<EncryptionKeys, KeyFileError> {
        if let Some(keys) = self.read()? {
            return Ok(keys);
        }
        if !self.may_create {
            return Err(KeyFileError::Missing {
                path: self.path.clone(),
                advice: self.advice.to_owned(),
            });
        }
        let keys = EncryptionKeys::new(random::bytes());
        match self.create(&keys) {
            Ok(()) => {
                tracing::info!(path = %self.path.display(), "encryption key created");
                Ok(keys)
            }
            // Another process has created it meanwhile.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.read()?.ok_or_else(|| self.failed(io::ErrorKind::NotFound.into()))
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Returns the keys of the file. `None` if it does not exist.
    fn read(&self) -> Result<Option<EncryptionKeys>, KeyFileError> {
        match fs::read_to_string(&self.path).map(Zeroizing::new) {
            Ok(text) if text.trim().is_empty() => Err(KeyFileError::Empty {
                path: self.path.clone(),
                advice: if self.may_create {
                    "and nothing is encrypted with its key: delete the file, and it is created again".to_owned()
                } else {
                    self.advice.to_owned()
                },
            }),
            Ok(text) => match text.parse() {
                Ok(keys) => Ok(Some(keys)),
                Err(error) => Err(self.failed(io::Error::other(error))),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Creates the file before anything is encrypted with its key, so that it survives a power failure. An interrupted
    /// creation leaves only a file of another name, never a part of this one. An error if the file exists.
    fn create(&self, keys: &EncryptionKeys) -> io::Result<()> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let (folder, name) = (
            folder.unwrap_or(Path::new(".")),
            self.path.file_name().unwrap_or_default(),
        );
        // A name of its own: another process may create the file at the same time.
        let mut new = tempfile::Builder::new()
            .prefix(name)
            .suffix(".new")
            .permissions(fs::Permissions::from_mode(0o600))
            .tempfile_in(folder)?;
        new.write_all(keys.to_text().as_bytes())?;
        new.write_all(b"\n")?;
        new.as_file().sync_all()?;
        new.persist_noclobber(&self.path)?;
        fs::File::open(folder)?.sync_all()
    }

    fn failed(&self, error: io::Error) -> KeyFileError {
        KeyFileError::Io {
            path: self.path.clone(),
            error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &Path, may_create: bool) -> KeyFile {
        KeyFile {
            path: path.to_owned(),
            may_create,
            advice: "and the codes are encrypted with it: restore it",
        }
    }

    #[test]
    fn the_file_is_complete_as_soon_as_it_exists_and_is_created_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("auth.key");
        let created: Vec<_> = std::thread::scope(|scope| {
            let start = || scope.spawn(|| file(&path, true).read_or_create().unwrap().to_text());
            let started: Vec<_> = (0..8).map(|_| start()).collect();
            started.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(created.iter().all(|keys| *keys == created[0]), "all have the same key");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
        let read = file(&path, false).read_or_create().unwrap();
        assert_eq!(read.to_text(), created[0]);
    }

    #[test]
    fn a_missing_file_is_not_created_while_anything_is_encrypted_with_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ticket.key");
        let error = file(&path, false).read_or_create().unwrap_err().to_string();
        assert!(
            error.ends_with("ticket.key is missing, and the codes are encrypted with it: restore it"),
            "{error}"
        );
        assert!(!path.exists());
    }

    #[test]
    fn an_empty_file_is_an_error_that_states_the_way_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("auth.key");
        for content in ["", "\n"] {
            fs::write(&path, content).unwrap();
            let refused = |may_create| file(&path, may_create).read_or_create().unwrap_err().to_string();
            assert!(refused(true).ends_with("delete the file, and it is created again"));
            assert!(refused(false).ends_with("restore it"));
            assert_eq!(fs::read_to_string(&path).unwrap(), content, "nothing is changed");
        }
    }

    #[test]
    fn a_malformed_file_is_an_error_without_its_text() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("auth.key");
        fs::write(&path, "abcdef").unwrap();
        let error = file(&path, true).read_or_create().unwrap_err().to_string();
        assert!(
            error.contains("64 hexadecimal digits") && !error.contains("abcdef"),
            "{error}"
        );
    }
}
