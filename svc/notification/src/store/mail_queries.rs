//! Statements of operators, of the API and of metrics.

use db::{Tx, read_row};
use rusqlite::{Connection, OptionalExtension};
use values::{MailId, Timestamp, UserId};

use super::mails::{MAIL, read_mail};
use crate::domain::{Mail, MailRules};

/// The numbers of mails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct MailNumbers {
    /// Mails that are waiting, queued or being sent, up to the limit.
    pub(crate) open: i64,
    /// When the oldest of them was requested.
    pub(crate) oldest: Option<Timestamp>,
    /// Mails that were given up, up to the limit.
    pub(crate) undelivered: i64,
}

/// Counts mails, each up to `limit`.
pub(crate) fn mail_numbers(conn: &Connection, limit: u32) -> Result<MailNumbers, db::Error> {
    let count =
        |sql: &str| -> Result<i64, db::Error> { Ok(conn.prepare_cached(sql)?.query_row([limit], |row| row.get(0))?) };
    let oldest = conn
        .prepare_cached(
            "SELECT created_at FROM mail INDEXED BY mail_open WHERE state IN ('waiting', 'queued', 'sending')
             ORDER BY created_at LIMIT 1",
        )?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(MailNumbers {
        open: count(
            "SELECT count(*) FROM (SELECT 1 FROM mail INDEXED BY mail_open
                 WHERE state IN ('waiting', 'queued', 'sending') LIMIT ?1)",
        )?,
        oldest,
        undelivered: count(
            "SELECT count(*) FROM (SELECT 1 FROM mail INDEXED BY mail_undelivered WHERE state = 'undelivered' LIMIT ?1)",
        )?,
    })
}

/// Returns a mail.
pub(crate) fn mail(conn: &Connection, id: MailId) -> Result<Option<Mail>, db::Error> {
    let sql = format!("SELECT {} FROM mail WHERE id = ?1", MAIL.select);
    let mut statement = conn.prepare_cached(&sql)?;
    Ok(statement.query_row([id], read_row(read_mail)).optional()?)
}

/// Returns up to `limit` mails that were given up, the oldest first.
pub(crate) fn undelivered(conn: &Connection, limit: u32) -> Result<Vec<Mail>, db::Error> {
    mails_where(conn, "state = 'undelivered' ORDER BY id LIMIT ?1", [limit])
}

/// Returns up to `limit` mails that are presumed sent, the oldest first.
pub(crate) fn presumed_sent(conn: &Connection, limit: u32) -> Result<Vec<Mail>, db::Error> {
    mails_where(conn, "state = 'presumed-sent' ORDER BY id LIMIT ?1", [limit])
}

/// Returns up to `limit` mails of an account, the newest first.
pub(crate) fn mails_of_account(
    conn: &Connection,
    account: UserId,
    before: Option<MailId>,
    limit: u32,
) -> Result<Vec<Mail>, db::Error> {
    let before = before.map_or_else(|| "~".to_owned(), |id| id.to_string());
    mails_where(
        conn,
        "account_id = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3",
        (account, before, limit),
    )
}

/// Queues a mail that was given up or is presumed sent. Returns whether it was.
pub(crate) fn queue_again(tx: &Tx, id: MailId, now: Timestamp, rules: &MailRules) -> Result<bool, db::Error> {
    let queued = tx
        .prepare_cached(
            "UPDATE mail SET state = 'queued', due_at = ?2, give_up_at = ?3, ended_at = NULL, delete_at = NULL, reason = NULL
             WHERE id = ?1 AND state IN ('undelivered', 'presumed-sent')",
        )?
        .execute((id, now, now + rules.give_up_after))?;
    Ok(queued > 0)
}

/// Ends a mail that was given up or is presumed sent. Returns whether it was.
pub(crate) fn discard(tx: &Tx, id: MailId, now: Timestamp, rules: &MailRules) -> Result<bool, db::Error> {
    let discarded = tx
        .prepare_cached(
            "UPDATE mail SET state = 'discarded', ended_at = ?2, delete_at = ?3,
                 details = json_remove(details, '$.sealedToken')
             WHERE id = ?1 AND state IN ('undelivered', 'presumed-sent')",
        )?
        .execute((id, now, now + rules.retention))?;
    Ok(discarded > 0)
}

fn mails_where(conn: &Connection, condition: &str, params: impl rusqlite::Params) -> Result<Vec<Mail>, db::Error> {
    let sql = format!("SELECT {} FROM mail WHERE {condition}", MAIL.select);
    let mut statement = conn.prepare_cached(&sql)?;
    let mails = statement.query_map(params, read_row(read_mail))?;
    Ok(mails.collect::<Result<_, _>>()?)
}
