use db::Tx;
use sealing::{CannotOpen, EncryptionKeys};
use values::Timestamp;

use crate::{domain::Codes, store};

/// The key that signs codes cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CodeKeyError {
    #[error(
        "the key that signs codes of admissions is {0}: give the key that it is encrypted with as --admission-key-file"
    )]
    CannotOpen(#[from] CannotOpen),
    #[error("the key that signs codes of admissions cannot be created")]
    Missing,
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Loads the key that signs codes, and creates it at the first start.
pub(crate) fn load_code_key(tx: &Tx, now: Timestamp, encryption: &EncryptionKeys) -> Result<Codes, CodeKeyError> {
    let stored = if let Some(stored) = store::code_key(tx)? {
        stored
    } else {
        store::insert_code_key(tx, now, &Codes::seal_new_key(encryption))?;
        store::code_key(tx)?.ok_or(CodeKeyError::Missing)?
    };
    Ok(Codes::open(encryption.clone(), &stored)?)
}
