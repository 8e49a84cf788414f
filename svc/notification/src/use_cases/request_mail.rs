use db::Tx;
use values::Timestamp;

use crate::{
    domain::{Cause, MailRules, MailState, NewMail},
    store,
};

/// Requests a mail about the event that is consumed, once for each key, unless the event is too old or another instance may have
/// sent the mail.
pub(super) fn request_mail(tx: &Tx, now: Timestamp, mail: &NewMail, rules: &MailRules) -> Result<(), db::Error> {
    let Some(state) = first_state(tx, now, mail.cause, rules)? else {
        return Ok(());
    };
    if !insert_once(tx, now, mail, state, rules)? && state == MailState::Queued {
        // The event was still in the queue: no other instance has consumed it, also if the journal has it.
        store::queue_presumed(tx, &mail.key, now, rules)?;
    }
    Ok(())
}

/// Requests a mail about an event that was consumed before: unlike [`request_mail`], it changes no mail that is presumed sent.
pub(super) fn request_late_mail(tx: &Tx, now: Timestamp, mail: &NewMail, rules: &MailRules) -> Result<(), db::Error> {
    if let Some(state) = first_state(tx, now, mail.cause, rules)? {
        insert_once(tx, now, mail, state, rules)?;
    }
    Ok(())
}

/// Returns the state of a new mail about this event; `None` if it is too old for a mail.
pub(super) fn first_state(
    tx: &Tx,
    now: Timestamp,
    cause: Cause,
    rules: &MailRules,
) -> Result<Option<MailState>, db::Error> {
    let began_at = store::began_at(tx)?.unwrap_or(now);
    let is_recovering = db::restored::is_outdated(tx)?;
    Ok(cause.first_state(now, began_at, is_recovering, rules))
}

/// Inserts a mail, unless its key exists. Returns whether it did.
fn insert_once(
    tx: &Tx,
    now: Timestamp,
    mail: &NewMail,
    state: MailState,
    rules: &MailRules,
) -> Result<bool, db::Error> {
    let is_new = store::add_key(tx, &mail.key, now)?;
    if is_new {
        store::insert_mail(tx, mail, state, now, rules)?;
    }
    Ok(is_new)
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
