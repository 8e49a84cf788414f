use db::{Constraint, Error, RowReader, Tx, read_row};
use rusqlite::{Connection, OptionalExtension};
use values::{Timestamp, UserId};

use crate::domain::{Account, Email};

db::columns! {
    ACCOUNT: "users" = [id, email, password_hash];
}

fn read_account(row: &mut RowReader<'_, '_>) -> rusqlite::Result<Account> {
    Ok(Account {
        id: row.next()?,
        email: row.next()?,
        password_hash: row.next()?,
    })
}

pub(crate) fn find_account_by_email(conn: &Connection, email: &Email) -> Result<Option<Account>, Error> {
    let sql = format!("SELECT {} FROM users WHERE email_key = ?", ACCOUNT.select);
    Ok(conn
        .prepare_cached(&sql)?
        .query_row([email.key()], read_row(read_account))
        .optional()?)
}

pub(crate) fn find_account(conn: &Connection, id: UserId) -> Result<Option<Account>, Error> {
    let sql = format!("SELECT {} FROM users WHERE id = ?", ACCOUNT.select);
    Ok(conn
        .prepare_cached(&sql)?
        .query_row([id], read_row(read_account))
        .optional()?)
}

/// Inserts an account. Returns `false` if the email address has one already.
pub(crate) fn insert_account(tx: &Tx, account: &Account, email: &Email, now: Timestamp) -> Result<bool, Error> {
    let inserted = tx
        .prepare_cached("INSERT INTO users (id, email, email_key, password_hash, created_at) VALUES (?, ?, ?, ?, ?)")?
        .execute((account.id, email.as_str(), email.key(), &account.password_hash, now));
    match inserted {
        Ok(_) => Ok(true),
        Err(error) if db::constraint(&error) == Some(Constraint::Unique) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
