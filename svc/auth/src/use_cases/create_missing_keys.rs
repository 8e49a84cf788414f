use db::Tx;
use sealing::{EncryptionKeys, random};
use token::KeyError;
use values::Timestamp;

use crate::{
    domain::{SeedPurpose, StoredKey, StoredSeed},
    store,
};

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
pub(crate) fn create_missing_keys(tx: &Tx, now: Timestamp, encryption: &EncryptionKeys) -> Result<(), CreateKeyError> {
    if store::signing_keys(tx)?.iter().all(|key| key.retired_at.is_some()) {
        store::insert_signing_key(tx, &new_signing_key(now, encryption)?)?;
    }
    if store::refresh_key_seed(tx)?.is_none() {
        store::insert_refresh_key(tx, &new_refresh_seed(encryption))?;
    }
    Ok(())
}

pub(super) fn new_signing_key(now: Timestamp, encryption: &EncryptionKeys) -> Result<StoredKey, KeyError> {
    StoredKey::new(&random::bytes(), now, encryption, random::bytes())
}

pub(super) fn new_refresh_seed(encryption: &EncryptionKeys) -> StoredSeed {
    StoredSeed::seal(SeedPurpose::Refresh, &random::bytes(), encryption, random::bytes())
}
