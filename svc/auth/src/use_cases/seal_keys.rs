use db::Tx;
use sealing::{EncryptionKeys, random};

use crate::{
    domain::{CannotOpen, SeedPurpose, StoredSeed},
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
        if !key.seed.is_current(encryption) {
            let purpose = SeedPurpose::Signing(&key.kid);
            let seed = key.seed.open(purpose, encryption)?;
            store::update_signing_key_seed(
                tx,
                &key.kid,
                &StoredSeed::seal(purpose, &seed, encryption, random::bytes()),
            )?;
            sealed += 1;
        }
    }
    if let Some(stored) = store::refresh_key_seed(tx)?
        && !stored.is_current(encryption)
    {
        let seed = stored.open(SeedPurpose::Refresh, encryption)?;
        store::update_refresh_key_seed(
            tx,
            &StoredSeed::seal(SeedPurpose::Refresh, &seed, encryption, random::bytes()),
        )?;
        sealed += 1;
    }
    Ok(sealed)
}
