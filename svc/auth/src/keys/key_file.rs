use std::path::PathBuf;

use db::Db;
use sealing::{
    EncryptionKeys,
    key_file::{KeyFile, KeyFileError},
};

use crate::store;

/// What an operator does about a lost file.
const ADVICE: &str = "and the keys in the database are encrypted with its key: restore it, give the key as --encryption-key-file, or, \
    if it is lost, a new one to `keys revoke --lost-encryption-key`";

/// The encryption key cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EncryptionKeyError {
    /// The file beside the database cannot be used.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// The encryption key is lost, and no new one is given.
    #[error("the new encryption key is missing: give it as --encryption-key-file, to the service as well")]
    NotGiven,
    /// The database cannot be read.
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Returns the keys that seal the tokens of links in mails: those that are given, else those in a file beside the database,
/// `auth.mail.key` for `auth.db`. The file is created if it is missing.
pub(crate) async fn mail_keys(db: &Db, given: Option<EncryptionKeys>) -> Result<EncryptionKeys, EncryptionKeyError> {
    if let Some(given) = given {
        return Ok(given);
    }
    let path = |conn: &rusqlite::Connection| -> Result<_, db::Error> {
        Ok(conn.path().map(PathBuf::from).unwrap_or_default())
    };
    let path = db.read_internal(path).await?.with_extension("mail.key");
    let file = KeyFile {
        path,
        may_create: true,
        advice: "",
    };
    Ok(file.open().await?)
}

/// Returns the encryption keys: those that are given, else that in a file beside the database, `auth.key` for `auth.db`. The
/// file is created with a database that has no encrypted keys.
pub(crate) async fn encryption_keys(
    db: &Db,
    given: Option<EncryptionKeys>,
) -> Result<EncryptionKeys, EncryptionKeyError> {
    if let Some(given) = given {
        return Ok(given);
    }
    let state = |conn: &rusqlite::Connection| -> Result<_, db::Error> {
        let path = conn.path().map(PathBuf::from).unwrap_or_default();
        Ok((path, store::has_sealed_keys(conn)?))
    };
    let (database, is_sealed) = db.read_internal(state).await?;
    let path = database.with_extension("key");
    let file = KeyFile {
        path,
        may_create: !is_sealed,
        advice: ADVICE,
    };
    Ok(file.open().await?)
}
