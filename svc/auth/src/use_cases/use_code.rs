use db::Tx;
use events::AccountMailKind;
use sealing::EncryptionKeys;
use values::Timestamp;

use super::mails::send_report;
use crate::{
    domain::{Account, recovery_hash},
    store,
};

/// Uses a code of the second factor of an account, or a recovery code, once. Returns whether it is right. The use of a recovery
/// code is mailed.
pub(super) fn use_code(
    tx: &Tx,
    now: Timestamp,
    account: &Account,
    code: &str,
    encryption: &EncryptionKeys,
) -> Result<bool, db::Error> {
    let factor = store::find_second_factor(tx, account.id())?;
    let Some(mut factor) = factor.filter(|factor| factor.enabled_at.is_some()) else {
        return Ok(false);
    };
    match factor.use_code(code, now, encryption) {
        Ok(true) => {
            store::put_second_factor(tx, &factor)?;
            return Ok(true);
        }
        Ok(false) => {}
        // The encryption key was lost: recovery codes are all that is left.
        Err(error) => tracing::error!(user = %account.id(), %error, "the secret of a second factor cannot be opened"),
    }
    if !store::take_recovery_code(tx, account.id(), &recovery_hash(code))? {
        return Ok(false);
    }
    send_report(tx, now, &account.into(), AccountMailKind::SecondFactorWeakened)?;
    Ok(true)
}
