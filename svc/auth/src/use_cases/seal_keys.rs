use db::Tx;

use super::create_missing_keys::nonce;
use crate::{
    domain::{CannotOpen, EncryptionKeys, SeedPurpose},
    store,
};

/// The keys could not be encrypted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealKeysError {
    /// The database could not be read or written.
    #[error(transparent)]
    Db(#[from] db::Error),
    /// A key is encrypted with a key that is not given.
    #[error(transparent)]
    Sealed(#[from] CannotOpen),
}

/// Encrypts the keys that an earlier release has stored as they are, or that are encrypted with an older key. Returns how
/// many.
pub(crate) fn seal_keys(tx: &Tx, encryption: &EncryptionKeys) -> Result<usize, SealKeysError> {
    store::overwrite_deleted(tx)?;
    let mut sealed = 0;
    for key in store::signing_keys(tx)? {
        if !encryption.is_current(&key.seed) {
            let purpose = SeedPurpose::Signing(&key.kid);
            let seed = encryption.open(purpose, &key.seed)?;
            store::update_signing_key_seed(tx, &key.kid, &encryption.seal(purpose, &seed, nonce()))?;
            sealed += 1;
        }
    }
    if let Some(stored) = store::refresh_key_seed(tx)?
        && !encryption.is_current(&stored)
    {
        let seed = encryption.open(SeedPurpose::Refresh, &stored)?;
        store::update_refresh_key_seed(tx, &encryption.seal(SeedPurpose::Refresh, &seed, nonce()))?;
        sealed += 1;
    }
    Ok(sealed)
}
