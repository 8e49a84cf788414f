//! Statements of the worker that sends mails.

use db::{Tx, read_row};
use rusqlite::Connection;
use values::{MailId, Timestamp};

use super::mails::{MAIL, WaitingFor, read_mail};
use crate::domain::{Claim, Mail, MailKind, MailState};

/// Returns up to `limit` queued mails that are due: those about accounts before others, and of both the earliest first.
pub(crate) fn due_mails(conn: &Connection, now: Timestamp, limit: usize) -> Result<Vec<Mail>, db::Error> {
    let mut statement = conn.prepare_cached(&due_mails_sql())?;
    let mut mails = Vec::new();
    for is_about_account in [true, false] {
        let free = limit - mails.len();
        let found = statement.query_map((is_about_account, now, free), read_row(read_mail))?;
        for mail in found {
            mails.push(mail?);
        }
    }
    Ok(mails)
}

fn due_mails_sql() -> String {
    format!(
        "SELECT {} FROM mail INDEXED BY mail_due WHERE state = 'queued' AND is_about_account = ?1 AND due_at <= ?2
         ORDER BY due_at LIMIT ?3",
        MAIL.select
    )
}

/// Claims a queued mail for one attempt.
pub(crate) fn claim(tx: &Tx, id: MailId, recipient: &str, now: Timestamp) -> Result<(), db::Error> {
    tx.prepare_cached(
        "UPDATE mail SET state = 'sending', due_at = NULL, claimed_at = ?2, recipient = ?3, attempts = attempts + 1
         WHERE id = ?1 AND state = 'queued'",
    )?
    .execute((id, now, recipient))?;
    Ok(())
}

/// Counts the mails whose last attempt began after `since`, up to `limit`. Attempts after `now` do not count: they are of a clock
/// that was ahead.
pub(crate) fn claims_since(
    conn: &Connection,
    (since, now): (Timestamp, Timestamp),
    limit: u32,
) -> Result<u32, db::Error> {
    let mut statement = conn.prepare_cached(
        "SELECT count(*) FROM (SELECT 1 FROM mail INDEXED BY mail_by_claim
             WHERE claimed_at IS NOT NULL AND claimed_at > ?1 AND claimed_at <= ?2 LIMIT ?3)",
    )?;
    Ok(statement.query_row((since, now, limit), |row| row.get(0))?)
}

/// Returns when the `limit`-th youngest mail to a recipient was claimed, of this kind or of all, if that is after `since`: until
/// it is older, the recipient gets no other. As in [`claims_since`], attempts after `now` do not count.
pub(crate) fn recipient_claims(
    conn: &Connection,
    recipient: &str,
    kind: Option<MailKind>,
    (since, now): (Timestamp, Timestamp),
    limit: u32,
) -> Result<Option<Timestamp>, db::Error> {
    let mut statement = conn.prepare_cached(
        "SELECT claimed_at FROM mail WHERE recipient = ?1 AND claimed_at > ?2 AND claimed_at <= ?3
             AND (?4 IS NULL OR kind = ?4)
         ORDER BY claimed_at DESC LIMIT ?5",
    )?;
    let claims = statement.query_map((recipient, since, now, kind, limit), |row| row.get(0))?;
    let claims: Vec<Timestamp> = claims.collect::<Result<_, _>>()?;
    let is_full = u32::try_from(claims.len()).unwrap_or(u32::MAX) >= limit;
    Ok(claims.last().copied().filter(|_| is_full))
}

/// Postpones a queued mail.
pub(crate) fn delay(tx: &Tx, id: MailId, until: Timestamp) -> Result<(), db::Error> {
    tx.prepare_cached("UPDATE mail SET due_at = ?2 WHERE id = ?1 AND state = 'queued'")?
        .execute((id, until))?;
    Ok(())
}

/// Has a queued mail wait for what it is written from.
pub(crate) fn wait_for_replicas(tx: &Tx, id: MailId, reason: &str) -> Result<(), db::Error> {
    tx.prepare_cached(
        "UPDATE mail SET state = 'waiting', due_at = NULL, reason = ?2 WHERE id = ?1 AND state = 'queued'",
    )?
    .execute((id, reason))?;
    Ok(())
}

/// Queues the mails that wait for a replica which has arrived.
pub(crate) fn queue_waiting_for(tx: &Tx, arrived: WaitingFor, now: Timestamp) -> Result<(), db::Error> {
    const SET: &str = "UPDATE mail SET state = 'queued', due_at = ?2, reason = NULL WHERE state = 'waiting' AND";
    match arrived {
        WaitingFor::Account(id) => tx
            .prepare_cached(&format!("{SET} account_id = ?1"))?
            .execute((id, now))?,
        WaitingFor::Listing(id) => tx
            .prepare_cached(&format!("{SET} ticket_id = ?1"))?
            .execute((id, now))?,
        WaitingFor::Order(id) => tx.prepare_cached(&format!("{SET} order_id = ?1"))?.execute((id, now))?,
    };
    Ok(())
}

/// Ends a claimed or queued mail. `attempt` is that of the claim; a result of an earlier attempt changes nothing. Returns
/// whether the mail ended.
pub(crate) fn finish(
    tx: &Tx,
    claim: Claim,
    state: MailState,
    reason: Option<&str>,
    now: Timestamp,
    delete_at: Timestamp,
) -> Result<bool, db::Error> {
    // An undelivered mail keeps its token: an operator may have it sent. A mail that was sent does not.
    let ended = tx
        .prepare_cached(
            "UPDATE mail SET state = ?3, due_at = NULL, ended_at = ?4, delete_at = ?5, reason = ?6,
                 details = iif(?3 = 'undelivered', details, json_remove(details, '$.sealedToken'))
             WHERE id = ?1 AND attempts = ?2 AND state IN ('sending', 'queued')",
        )?
        .execute((claim.id, claim.attempt, state, now, delete_at, reason))?;
    Ok(ended > 0)
}

/// Queues a claimed mail for another attempt.
pub(crate) fn retry_later(tx: &Tx, claim: Claim, reason: &str, due_at: Timestamp) -> Result<(), db::Error> {
    tx.prepare_cached(
        "UPDATE mail SET state = 'queued', due_at = ?3, reason = ?4 WHERE id = ?1 AND attempts = ?2 AND state = 'sending'",
    )?
    .execute((claim.id, claim.attempt, due_at, reason))?;
    Ok(())
}

/// Queues mails that a process was sending when it ended. Returns their number.
pub(crate) fn queue_interrupted(tx: &Tx, now: Timestamp) -> Result<usize, db::Error> {
    Ok(tx
        .prepare_cached("UPDATE mail SET state = 'queued', due_at = ?1 WHERE state = 'sending'")?
        .execute([now])?)
}

/// Gives up mails that were not sent in time, a bounded number. Returns their number.
pub(crate) fn give_up_overdue(tx: &Tx, now: Timestamp, delete_at: Timestamp) -> Result<usize, db::Error> {
    Ok(tx
        .prepare_cached(
            "UPDATE mail SET reason = coalesce(iif(state = 'waiting', 'not there: ' || reason, reason), 'not sent in time'),
                 state = 'undelivered', due_at = NULL, ended_at = ?1, delete_at = iif(kind = 'account-deleted', ?1, ?2)
             WHERE rowid IN (SELECT rowid FROM mail INDEXED BY mail_given_up
                 WHERE state IN ('waiting', 'queued') AND give_up_at <= ?1 LIMIT 500)",
        )?
        .execute((now, delete_at))?)
}

#[cfg(test)]
mod tests {
    use chassis::Service;
    use db::Db;

    use crate::Notification;

    #[tokio::test]
    async fn due_mails_are_found_without_those_that_wait_and_are_not_sorted() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&folder.path().join("notification.db"), &Notification::SCHEMA).unwrap();
        let plan = db.read(|conn| Ok::<_, db::Error>(db::query_plan(conn, &super::due_mails_sql())?));
        assert_eq!(
            plan.await.unwrap(),
            ["SEARCH mail USING INDEX mail_due (is_about_account=? AND due_at<?)"]
        );
    }
}
