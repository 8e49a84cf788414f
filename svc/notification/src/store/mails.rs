use db::{NamedParameters, RowReader, Tx};
use rusqlite::{named_params, types::FromSqlError};
use values::{MailId, OrderId, TicketId, Timestamp, UserId};

use crate::domain::{Mail, MailRules, MailState, NewMail};

db::columns! {
    /// The columns of a mail that are read.
    pub(super) MAIL: "mail" = [
        id, key, kind, state, account_id, address, language, order_id, ticket_id, details, caused_at, created_at, expires_at,
        give_up_at, attempts, claimed_at, ended_at, reason,
    ];
}

/// What a waiting mail waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum WaitingFor {
    Account(UserId),
    Listing(TicketId),
    Order(OrderId),
}

/// The time for which keys are kept: longer than an event can cause a mail, by any setting.
pub(crate) const KEY_RETENTION_DAYS: u64 = 60;

/// The rows that one purge deletes of each table.
const PURGE_LIMIT: u32 = 500;

/// Adds a key. Returns false if it exists.
pub(crate) fn add_key(tx: &Tx, key: &str, now: Timestamp) -> Result<bool, db::Error> {
    let added = tx
        .prepare_cached("INSERT INTO mail_key (key, created_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
        .execute((key, now))?;
    Ok(added > 0)
}

/// Inserts a mail that is queued or presumed sent. Its key was added before.
pub(crate) fn insert_mail(
    tx: &Tx,
    mail: &NewMail,
    state: MailState,
    now: Timestamp,
    rules: &MailRules,
) -> Result<(), db::Error> {
    let is_queued = state == MailState::Queued;
    let details = serde_json::to_string(&mail.details).unwrap_or_else(|_| "{}".to_owned());
    tx.prepare_cached(
        "INSERT INTO mail (id, key, kind, state, account_id, address, language, order_id, ticket_id, details, caused_at,
             created_at, expires_at, give_up_at, attempts, due_at, delete_at, is_about_account)
         VALUES (:id, :key, :kind, :state, :account_id, :address, :language, :order_id, :ticket_id, :details, :caused_at,
             :created_at, :expires_at, :give_up_at, 0, :due_at, :delete_at, :is_about_account)
         ON CONFLICT DO NOTHING",
    )?
    .execute_named(named_params! {
        ":id": mail.id.unwrap_or_else(|| MailId::new(now)),
        ":key": mail.key,
        ":kind": mail.kind,
        ":state": state,
        ":account_id": mail.account_id,
        ":address": mail.address,
        ":language": mail.language,
        ":order_id": mail.order_id,
        ":ticket_id": mail.ticket_id,
        ":details": details,
        ":caused_at": mail.cause.happened_at,
        ":created_at": now,
        ":expires_at": mail.expires_at,
        ":give_up_at": now + rules.give_up_after,
        ":due_at": is_queued.then_some(now),
        ":delete_at": (!is_queued).then(|| now + rules.retention),
        ":is_about_account": mail.kind.is_about_account(),
    })?;
    Ok(())
}

/// Queues the mail of this key that was presumed sent, if there is one.
pub(crate) fn queue_presumed(tx: &Tx, key: &str, now: Timestamp, rules: &MailRules) -> Result<(), db::Error> {
    tx.prepare_cached(
        "UPDATE mail SET state = 'queued', due_at = ?2, give_up_at = ?3, delete_at = NULL
         WHERE key = ?1 AND state = 'presumed-sent'",
    )?
    .execute((key, now, now + rules.give_up_after))?;
    Ok(())
}

/// Queues the mails that were presumed sent whose keys begin with this prefix and a space.
pub(crate) fn queue_presumed_with_prefix(
    tx: &Tx,
    prefix: &str,
    now: Timestamp,
    rules: &MailRules,
) -> Result<(), db::Error> {
    // `!` follows the space in ASCII.
    tx.prepare_cached(
        "UPDATE mail SET state = 'queued', due_at = ?2, give_up_at = ?3, delete_at = NULL
         WHERE key > ?1 || ' ' AND key < ?1 || '!' AND state = 'presumed-sent'",
    )?
    .execute((prefix, now, now + rules.give_up_after))?;
    Ok(())
}

/// Presumes that every mail that is not sent was sent by another instance. Returns their number.
pub(crate) fn presume_unsent_sent(tx: &Tx, now: Timestamp, rules: &MailRules) -> Result<usize, db::Error> {
    Ok(tx
        .prepare_cached(
            "UPDATE mail SET state = 'presumed-sent', due_at = NULL, delete_at = ?1
             WHERE state IN ('waiting', 'queued', 'sending')",
        )?
        .execute([now + rules.retention])?)
}

/// Ends the mail of this key that is not sent, if there is one.
pub(crate) fn supersede_by_key(
    tx: &Tx,
    key: &str,
    reason: &str,
    now: Timestamp,
    rules: &MailRules,
) -> Result<(), db::Error> {
    tx.prepare_cached(
        "UPDATE mail SET state = 'superseded', due_at = NULL, ended_at = ?3, delete_at = ?4, reason = ?2
         WHERE key = ?1 AND state IN ('waiting', 'queued', 'presumed-sent')",
    )?
    .execute((key, reason, now, now + rules.retention))?;
    Ok(())
}

/// Deletes a bounded number of mails and keys that have expired. Returns their number.
pub(crate) fn delete_expired(tx: &Tx, now: Timestamp) -> Result<usize, db::Error> {
    let keys_before = now - std::time::Duration::from_hours(24 * KEY_RETENTION_DAYS);
    let mails = tx
        .prepare_cached(
            "DELETE FROM mail WHERE rowid IN (
                 SELECT rowid FROM mail INDEXED BY mail_to_delete WHERE delete_at IS NOT NULL AND delete_at <= ?1 LIMIT ?2)",
        )?
        .execute((now, PURGE_LIMIT))?;
    let keys = tx
        .prepare_cached("DELETE FROM mail_key WHERE key IN (SELECT key FROM mail_key WHERE created_at < ?1 LIMIT ?2)")?
        .execute((keys_before, PURGE_LIMIT))?;
    Ok(mails + keys)
}

pub(super) fn read_mail(row: &mut RowReader<'_, '_>) -> rusqlite::Result<Mail> {
    Ok(Mail {
        id: row.next()?,
        key: row.next()?,
        kind: row.next()?,
        state: row.next()?,
        account_id: row.next()?,
        address: row.next()?,
        language: row.next()?,
        order_id: row.next()?,
        ticket_id: row.next()?,
        details: serde_json::from_str(&row.next::<String>()?).map_err(|error| FromSqlError::Other(Box::new(error)))?,
        caused_at: row.next()?,
        created_at: row.next()?,
        expires_at: row.next()?,
        give_up_at: row.next()?,
        attempts: row.next()?,
        claimed_at: row.next()?,
        ended_at: row.next()?,
        reason: row.next()?,
    })
}
