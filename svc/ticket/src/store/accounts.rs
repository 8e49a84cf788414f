//! The replica of accounts.

use db::{NamedParameters, Tx};
use rusqlite::{Connection, OptionalExtension, named_params};
use values::{Language, UserId};

/// Stores the state of an account, unless a later one is stored. A deleted account keeps no personal data.
pub(crate) fn upsert_account(tx: &Tx, account: &events::Account) -> Result<(), db::Error> {
    let is_deleted = account.status == events::AccountStatus::Deleted;
    tx.prepare_cached(
        "INSERT INTO account (id, version, status, email, name, language)
         VALUES (:id, :version, :status, :email, :name, :language)
         ON CONFLICT (id) DO UPDATE
         SET version = excluded.version, status = excluded.status, email = excluded.email, name = excluded.name,
             language = excluded.language
         WHERE excluded.version > version",
    )?
    .execute_named(named_params! {
        ":id": account.id,
        ":version": account.version.cast_signed(),
        ":status": account.status,
        ":email": account.email.as_deref().filter(|_| !is_deleted),
        ":name": account.name.as_deref().filter(|_| !is_deleted),
        ":language": account.language,
    })?;
    Ok(())
}

/// Returns the name of a user, or else the address; `None` if the account is not known or deleted.
pub(crate) fn holder_name(conn: &Connection, user: UserId) -> Result<Option<String>, db::Error> {
    let name = conn
        .prepare_cached("SELECT coalesce(name, email) FROM account WHERE id = ?")?
        .query_row([user], |row| row.get(0))
        .optional()?;
    Ok(name.flatten())
}

/// Returns the address of a user, and the language of mails; `None` if the account is not known or deleted.
pub(crate) fn mail_account(conn: &Connection, user: UserId) -> Result<Option<(String, Language)>, db::Error> {
    let account = conn
        .prepare_cached("SELECT email, language FROM account WHERE id = ? AND email IS NOT NULL")?
        .query_row([user], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(account)
}
