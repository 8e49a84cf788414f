use db::Tx;
use sealing::{EncryptionKeys, random};

use crate::store;

/// Encrypts a page of the secrets with the first key, after an account. Returns the position of the next page. A secret whose
/// key is lost stays as it is.
pub(crate) fn seal_second_factors(
    tx: &Tx,
    encryption: &EncryptionKeys,
    after: &str,
) -> Result<Option<String>, db::Error> {
    let factors = store::second_factors_after(tx, after, 500)?;
    let last = factors.last().map(|factor| factor.user_id.to_string());
    for mut factor in factors {
        if !encryption.is_current(&factor.sealed) && factor.seal_again(encryption, random::bytes()).is_ok() {
            store::put_second_factor(tx, &factor)?;
        }
    }
    Ok(last)
}
