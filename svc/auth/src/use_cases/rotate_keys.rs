use db::Tx;
use values::Timestamp;

use super::audit_entries::keys_changed;
use super::create_missing_keys::{CreateKeyError, new_signing_key};
use crate::{domain::EncryptionKeys, store};

/// Creates a new key that signs from now on, and returns its id. The previous key is retired; its tokens stay valid.
pub(crate) fn rotate_keys(tx: &Tx, now: Timestamp, encryption: &EncryptionKeys) -> Result<String, CreateKeyError> {
    let new = new_signing_key(now, encryption)?;
    store::retire_signing_key(tx, now)?;
    store::insert_signing_key(tx, &new)?;
    audit::append(tx, now, &keys_changed("keys-rotate", &new.kid))?;
    Ok(new.kid)
}
