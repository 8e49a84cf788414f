use db::{Error, Tx};
use rusqlite::{Connection, OptionalExtension};
use values::{Timestamp, UserId};

use crate::domain::{LinkHash, LinkPurpose};

/// Inserts a link. Of the earlier ones of the account for this purpose, the four newest stay.
pub(crate) fn insert_link(
    tx: &Tx,
    hash: &LinkHash,
    purpose: LinkPurpose,
    user_id: UserId,
    expires_at: Timestamp,
) -> Result<(), Error> {
    tx.prepare_cached(
        "DELETE FROM mail_links WHERE token_hash IN
         (SELECT token_hash FROM mail_links WHERE user_id = ? AND purpose = ? ORDER BY expires_at DESC LIMIT -1 OFFSET 4)",
    )?
    .execute((user_id, purpose))?;
    tx.prepare_cached("INSERT INTO mail_links (token_hash, purpose, user_id, expires_at) VALUES (?, ?, ?, ?)")?
        .execute((hash, purpose, user_id, expires_at))?;
    Ok(())
}

/// Returns the account of a link that has not expired.
pub(crate) fn find_link(
    conn: &Connection,
    hash: &LinkHash,
    purpose: LinkPurpose,
    now: Timestamp,
) -> Result<Option<UserId>, Error> {
    Ok(conn
        .prepare_cached("SELECT user_id FROM mail_links WHERE token_hash = ? AND purpose = ? AND expires_at > ?")?
        .query_row((hash, purpose, now), |row| row.get(0))
        .optional()?)
}

/// Deletes the links of an account for one purpose.
pub(crate) fn delete_links(tx: &Tx, user_id: UserId, purpose: LinkPurpose) -> Result<(), Error> {
    tx.prepare_cached("DELETE FROM mail_links WHERE user_id = ? AND purpose = ?")?
        .execute((user_id, purpose))?;
    Ok(())
}

/// Deletes a bounded number of the links that have expired. Returns how many.
pub(crate) fn delete_expired_links(tx: &Tx, now: Timestamp) -> Result<usize, Error> {
    Ok(tx
        .prepare_cached(
            "DELETE FROM mail_links WHERE token_hash IN
             (SELECT token_hash FROM mail_links WHERE expires_at <= ? ORDER BY expires_at LIMIT 1000)",
        )?
        .execute([now])?)
}
