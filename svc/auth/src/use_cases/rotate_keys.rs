use db::Tx;
use values::Timestamp;

use super::create_missing_keys::CreateKeyError;
use crate::{domain::StoredKey, random, store};

/// Creates a new key that signs from now on, and returns its id. The previous key is retired; its tokens stay valid.
pub(crate) fn rotate_keys(tx: &Tx, now: Timestamp) -> Result<String, CreateKeyError> {
    let new = StoredKey::new(random::seed(), now)?;
    store::retire_signing_key(tx, now)?;
    store::insert_signing_key(tx, &new)?;
    Ok(new.kid)
}
