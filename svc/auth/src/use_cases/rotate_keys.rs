use db::Tx;
use sealing::EncryptionKeys;
use token::KeyError;
use values::Timestamp;

use super::audit_entries::keys_changed;
use super::create_missing_keys::new_signing_key;
use super::stored_keys::open_stored_keys;
use crate::{domain::CannotOpen, store};

/// The keys were not rotated.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RotateKeysError {
    /// The new key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The database could not be read or written.
    #[error(transparent)]
    Db(#[from] db::Error),
    /// The service could not use a key that is encrypted with these encryption keys.
    #[error("no key was rotated: {0}")]
    Sealed(#[from] CannotOpen),
}

/// Creates a new key that signs from now on, and returns its id. The previous key is retired; its tokens stay valid.
///
/// The new key is encrypted like the stored ones, which have to open: a running service has their encryption key.
pub(crate) fn rotate_keys(tx: &Tx, now: Timestamp, encryption: &EncryptionKeys) -> Result<String, RotateKeysError> {
    let encryption = open_stored_keys(tx, encryption)??;
    let new = new_signing_key(now, &encryption)?;
    store::retire_signing_key(tx, now)?;
    store::insert_signing_key(tx, &new)?;
    audit::append(tx, now, &keys_changed("keys-rotate", &new.kid))?;
    Ok(new.kid)
}
