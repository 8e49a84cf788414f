use db::Tx;
use sealing::EncryptionKeys;
use token::KeyError;
use values::Timestamp;

use super::audit_entries::keys_changed;
use super::create_missing_keys::{new_refresh_seed, new_signing_key};
use super::stored_keys::open_stored_keys;
use crate::{domain::CannotOpen, events::publish_revoked_key, store};

/// The keys were not revoked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RevokeKeysError {
    /// The new key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The database could not be read or written.
    #[error(transparent)]
    Db(#[from] db::Error),
    /// The stored keys do not open: the service may have another encryption key, and could not use new keys.
    #[error("no key was revoked: {0}")]
    Sealed(#[from] CannotOpen),
}

/// Deletes all keys and creates new ones, and returns the id of the new signing key. All earlier tokens become invalid, in
/// every service: each key is published as revoked, because one that has leaked signs tokens of any session.
///
/// The new keys are encrypted like the stored ones. If those do not open, it is an error, unless their encryption key
/// `is_lost`: then the service has to be started with the new one.
pub(crate) fn revoke_keys(
    tx: &Tx,
    now: Timestamp,
    encryption: &EncryptionKeys,
    is_lost: bool,
) -> Result<String, RevokeKeysError> {
    let encryption = &match open_stored_keys(tx, encryption)? {
        Ok(encryption) => encryption,
        Err(_) if is_lost => encryption.clone(),
        Err(error) => return Err(error.into()),
    };
    store::overwrite_deleted(tx)?;
    let new = new_signing_key(now, encryption)?;
    for key in store::signing_keys(tx)? {
        publish_revoked_key(tx, now, key.kid)?;
    }
    store::delete_all_keys(tx)?;
    store::insert_signing_key(tx, &new)?;
    store::insert_refresh_key(tx, &new_refresh_seed(encryption))?;
    audit::append(tx, now, &keys_changed("keys-revoke", &new.kid))?;
    Ok(new.kid)
}

/// Ends a bounded number of the sessions that were started until now. Returns how many; 0 means that none is left.
pub(crate) fn end_sessions(tx: &Tx, now: Timestamp) -> Result<usize, db::Error> {
    store::end_sessions(tx, now)
}
