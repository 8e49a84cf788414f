use db::{NamedParameters, RowReader, Tx, read_row};
use rusqlite::{Connection, OptionalExtension, named_params};
use values::{Timestamp, UserId};

use crate::domain::Account;

db::columns! {
    /// The columns of an account.
    ACCOUNT: "account" = [id, version, status, email, name, language, email_confirmed_at];
}

/// Stores the state of an account, unless a later one is stored. Returns whether it did.
pub(crate) fn upsert_account(tx: &Tx, account: &Account) -> Result<bool, db::Error> {
    let sql = format!(
        "{} ON CONFLICT (id) DO UPDATE SET version = excluded.version, status = excluded.status, email = excluded.email,
             name = excluded.name, language = excluded.language, email_confirmed_at = excluded.email_confirmed_at
         WHERE excluded.version > version",
        ACCOUNT.insert
    );
    let stored = tx.prepare_cached(&sql)?.execute_named(named_params! {
        ":id": account.id,
        // A version beyond the range of SQLite becomes negative, which a CHECK refuses.
        ":version": account.version.cast_signed(),
        ":status": account.status,
        ":email": account.email,
        ":name": account.name,
        ":language": account.language,
        ":email_confirmed_at": account.email_confirmed_at,
    })?;
    Ok(stored > 0)
}

/// Returns an account.
pub(crate) fn account(conn: &Connection, id: UserId) -> Result<Option<Account>, db::Error> {
    let sql = format!("SELECT {} FROM account WHERE id = ?1", ACCOUNT.select);
    let mut statement = conn.prepare_cached(&sql)?;
    Ok(statement.query_row([id], read_row(read_account)).optional()?)
}

/// Erases the personal data in the mails of a deleted account, and in offers that others have sent to its address; ends those that
/// are not sent. The mail that confirms the deletion stays until it is sent or given up.
pub(crate) fn erase_account_mails(tx: &Tx, id: UserId, address: Option<&str>, now: Timestamp) -> Result<(), db::Error> {
    if let Some(address) = address {
        tx.prepare_cached("DELETE FROM mail WHERE recipient = ? AND account_id IS NULL AND state <> 'sending'")?
            .execute([address.to_lowercase()])?;
    }
    tx.prepare_cached("DELETE FROM mail WHERE account_id = ?1 AND kind <> 'account-deleted' AND state <> 'sending'")?
        .execute([id])?;
    // The result of an attempt that runs is stored without the address.
    tx.prepare_cached(
        "UPDATE mail SET delete_at = ?2, state = 'superseded', ended_at = ?2, reason = 'the account is deleted',
             address = NULL, details = '{}'
         WHERE account_id = ?1 AND kind <> 'account-deleted' AND state = 'sending'",
    )?
    .execute((id, now))?;
    Ok(())
}

fn read_account(row: &mut RowReader<'_, '_>) -> rusqlite::Result<Account> {
    Ok(Account {
        id: row.next()?,
        version: row.next::<i64>()?.unsigned_abs(),
        status: row.next()?,
        email: row.next()?,
        name: row.next()?,
        language: row.next()?,
        email_confirmed_at: row.next()?,
    })
}
