use db::Tx;
use token::KeyError;
use values::Timestamp;

use crate::{
    domain::{EncryptionKeys, NONCE_BYTES, SeedPurpose, StoredKey, StoredSeed},
    random, store,
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
    StoredKey::new(&random::seed(), now, encryption, nonce())
}

pub(super) fn new_refresh_seed(encryption: &EncryptionKeys) -> StoredSeed {
    encryption.seal(SeedPurpose::Refresh, &random::seed(), nonce())
}

/// Returns a random nonce.
pub(super) fn nonce() -> [u8; NONCE_BYTES] {
    let mut nonce = [0; NONCE_BYTES];
    random::fill(&mut nonce);
    nonce
}
