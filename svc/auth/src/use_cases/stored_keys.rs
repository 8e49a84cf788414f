use rusqlite::Connection;
use sealing::EncryptionKeys;

use crate::{
    domain::{CannotOpen, SeedPurpose},
    store,
};

/// Opens all stored seeds. Returns the encryption keys in the order in which a new seed is encrypted like those; the inner
/// error if one of them does not open.
pub(super) fn open_stored_keys(
    conn: &Connection,
    encryption: &EncryptionKeys,
) -> Result<Result<EncryptionKeys, CannotOpen>, db::Error> {
    let (signing_keys, refresh_seed) = (store::signing_keys(conn)?, store::refresh_key_seed(conn)?);
    let signing = signing_keys
        .iter()
        .map(|key| (SeedPurpose::Signing(&key.kid), &key.seed));
    let refresh = refresh_seed.iter().map(|seed| (SeedPurpose::Refresh, seed));
    for (purpose, seed) in signing.chain(refresh) {
        if let Err(error) = seed.open(purpose, encryption) {
            return Ok(Err(error));
        }
    }
    // The key that signs is the first one.
    let newest = signing_keys.first().map(|key| &key.seed).or(refresh_seed.as_ref());
    Ok(Ok(newest.map_or_else(
        || encryption.clone(),
        |seed| seed.encrypting_like(encryption),
    )))
}
