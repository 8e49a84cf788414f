use db::Tx;
use values::Timestamp;

use crate::{
    domain::{MailRules, MailState, NewMail},
    store,
};

/// Requests a mail, once for each key, unless its event is too old or another instance may have sent it.
pub(super) fn request_mail(tx: &Tx, now: Timestamp, mail: &NewMail, rules: &MailRules) -> Result<(), db::Error> {
    let began_at = store::began_at(tx)?.unwrap_or(now);
    let is_recovering = db::restored::is_outdated(tx)?;
    let Some(state) = mail.cause.first_state(now, began_at, is_recovering, rules) else {
        return Ok(());
    };
    if store::add_key(tx, &mail.key, now)? {
        return store::insert_mail(tx, mail, state, now, rules);
    }
    if state == MailState::Queued {
        // The event was still in the queue: no other instance has consumed it, also if the journal has it.
        store::queue_presumed(tx, &mail.key, now, rules)?;
    }
    Ok(())
}

/// Prevents a mail: one that is requested and not sent ends, and it cannot be requested any more.
pub(super) fn prevent_mail(
    tx: &Tx,
    now: Timestamp,
    key: &str,
    reason: &str,
    rules: &MailRules,
) -> Result<(), db::Error> {
    if store::add_key(tx, key, now)? {
        return Ok(());
    }
    store::supersede_by_key(tx, key, reason, now, rules)
}
