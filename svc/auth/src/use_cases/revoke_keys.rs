use db::Tx;
use values::Timestamp;

use super::audit_entries::keys_changed;
use super::create_missing_keys::{CreateKeyError, new_refresh_seed, new_signing_key};
use crate::{domain::EncryptionKeys, events::publish_revoked_key, store};

/// Deletes all keys and creates new ones, and returns the id of the new signing key. All earlier tokens become invalid, in
/// every service: each key is published as revoked, because one that has leaked signs tokens of any session.
pub(crate) fn revoke_keys(tx: &Tx, now: Timestamp, encryption: &EncryptionKeys) -> Result<String, CreateKeyError> {
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
