use db::Tx;
use values::Timestamp;

use super::create_missing_keys::CreateKeyError;
use crate::{domain::StoredKey, events::publish_revoked_key, random, store};

/// Deletes all keys and creates new ones, and returns the id of the new signing key. All earlier tokens become invalid, in
/// every service: each key is published as revoked, because one that has leaked signs tokens of any session.
pub(crate) fn revoke_keys(tx: &Tx, now: Timestamp) -> Result<String, CreateKeyError> {
    let new = StoredKey::new(random::seed(), now)?;
    for key in store::signing_keys(tx)? {
        publish_revoked_key(tx, now, key.kid)?;
    }
    store::delete_all_keys(tx)?;
    store::insert_signing_key(tx, &new)?;
    store::insert_refresh_key(tx, random::seed())?;
    Ok(new.kid)
}

/// Ends a bounded number of the sessions that were started until now. Returns how many; 0 means that none is left.
pub(crate) fn end_sessions(tx: &Tx, now: Timestamp) -> Result<usize, db::Error> {
    store::end_sessions(tx, now)
}
