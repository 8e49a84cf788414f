use db::Tx;
use token::KeyError;
use values::Timestamp;

use crate::{domain::StoredKey, random, store};

/// A key could not be created.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CreateKeyError {
    /// The database could not be read or written.
    #[error(transparent)]
    Db(#[from] db::Error),
    /// The generated key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// Creates a signing key and a refresh key, if there are none.
pub(crate) fn create_missing_keys(tx: &Tx, now: Timestamp) -> Result<(), CreateKeyError> {
    if store::signing_keys(tx)?.iter().all(|key| key.retired_at.is_some()) {
        store::insert_signing_key(tx, &StoredKey::new(random::seed(), now)?)?;
    }
    if store::refresh_key_seed(tx)?.is_none() {
        store::insert_refresh_key(tx, random::seed())?;
    }
    Ok(())
}
