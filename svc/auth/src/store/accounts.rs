use db::{Constraint, Error, NamedParameters, RowReader, Tx, read_row};
use rusqlite::{Connection, OptionalExtension, named_params};
use values::{Timestamp, UserId};

use crate::domain::{Account, AccountState, Email, Name};

/// The columns of an account, in the order in which they are read.
const ACCOUNT: &str =
    "id, email, password_hash, name, language, email_confirmed_at, status, version, created_at, updated_at";

fn read_account(row: &mut RowReader<'_, '_>) -> rusqlite::Result<Account> {
    let (id, email, password_hash) = (row.next()?, row.next()?, row.next()?);
    let name = row.next::<Option<String>>()?.map(Name::from_stored);
    let (language, email_confirmed_at) = (row.next()?, row.next()?);
    let (status, version) = (row.next()?, row.next()?);
    let created_at = row.next()?;
    Ok(Account::from_state(AccountState {
        id,
        email,
        password_hash,
        name,
        language,
        email_confirmed_at,
        status,
        version,
        created_at,
        // Absent in rows of earlier releases.
        updated_at: row.next::<Option<Timestamp>>()?.unwrap_or(created_at),
    }))
}

pub(crate) fn find_account_by_email(conn: &Connection, email: &Email) -> Result<Option<Account>, Error> {
    find_account_by_key(conn, email.key())
}

/// Returns the account with the key of an address.
pub(crate) fn find_account_by_key(conn: &Connection, email_key: &str) -> Result<Option<Account>, Error> {
    Ok(conn
        .prepare_cached(&format!("SELECT {ACCOUNT} FROM users WHERE email_key = ?"))?
        .query_row([email_key], read_row(read_account))
        .optional()?)
}

pub(crate) fn find_account(conn: &Connection, id: UserId) -> Result<Option<Account>, Error> {
    Ok(conn
        .prepare_cached(&format!("SELECT {ACCOUNT} FROM users WHERE id = ?"))?
        .query_row([id], read_row(read_account))
        .optional()?)
}

/// Returns a page of the accounts whose ids come after `after`.
pub(crate) fn accounts_after(conn: &Connection, after: &str, limit: u32) -> Result<Vec<Account>, Error> {
    let mut statement =
        conn.prepare_cached(&format!("SELECT {ACCOUNT} FROM users WHERE id > ? ORDER BY id LIMIT ?"))?;
    let rows = statement.query_map((after, limit), read_row(read_account))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Inserts an account. Returns `false` if the email address has one already.
pub(crate) fn insert_account(tx: &Tx, account: &Account, email: &Email) -> Result<bool, Error> {
    insert_with_key(tx, account, email.key())
}

fn insert_with_key(tx: &Tx, account: &Account, email_key: &str) -> Result<bool, Error> {
    let state = account.state();
    let inserted = tx
        .prepare_cached(
            "INSERT INTO users (id, email, email_key, password_hash, name, language, email_confirmed_at, status, version,
                 created_at, updated_at)
             VALUES (:id, :email, :email_key, :password_hash, :name, :language, :email_confirmed_at, :status, :version,
                 :created_at, :updated_at)",
        )?
        .execute_named(named_params! {
            ":id": state.id,
            ":email": state.email,
            ":email_key": email_key,
            ":password_hash": state.password_hash,
            ":name": state.name.as_ref().map(Name::as_str),
            ":language": state.language,
            ":email_confirmed_at": state.email_confirmed_at,
            ":status": state.status,
            ":version": state.version,
            ":created_at": state.created_at,
            ":updated_at": state.updated_at,
        });
    is_unique(inserted)
}

/// Stores the state of an account. `email` is its address. Returns `false` if another account has it.
pub(crate) fn update_account(tx: &Tx, account: &Account, email: &Email) -> Result<bool, Error> {
    let state = account.state();
    let updated = tx
        .prepare_cached(
            "UPDATE users SET email = :email, email_key = :email_key, password_hash = :password_hash, name = :name,
                 language = :language, email_confirmed_at = :email_confirmed_at, status = :status, version = :version,
                 updated_at = :updated_at
             WHERE id = :id",
        )?
        .execute_named(named_params! {
            ":id": state.id,
            ":email": state.email,
            ":email_key": email.key(),
            ":password_hash": state.password_hash,
            ":name": state.name.as_ref().map(Name::as_str),
            ":language": state.language,
            ":email_confirmed_at": state.email_confirmed_at,
            ":status": state.status,
            ":version": state.version,
            ":updated_at": state.updated_at,
        });
    is_unique(updated)
}

/// Stores the state of an account whose address is the same as before.
pub(crate) fn update_profile(tx: &Tx, account: &Account) -> Result<(), Error> {
    let state = account.state();
    tx.prepare_cached(
        "UPDATE users SET password_hash = :password_hash, name = :name, language = :language,
             email_confirmed_at = :email_confirmed_at, status = :status, version = :version, updated_at = :updated_at
         WHERE id = :id",
    )?
    .execute_named(named_params! {
        ":id": state.id,
        ":password_hash": state.password_hash,
        ":name": state.name.as_ref().map(Name::as_str),
        ":language": state.language,
        ":email_confirmed_at": state.email_confirmed_at,
        ":status": state.status,
        ":version": state.version,
        ":updated_at": state.updated_at,
    })?;
    Ok(())
}

/// Stores the state of a deleted account, which may be unknown, and deletes everything that its user has. Sessions stay for as
/// long as their access tokens may have to be refused, without the device and the network.
pub(crate) fn erase_account(tx: &Tx, account: &Account) -> Result<(), Error> {
    let id = account.id();
    let email_key: Option<String> = tx
        .prepare_cached("SELECT email_key FROM users WHERE id = ?")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    // No address is written like this.
    let erased_key = id.to_string();
    let Some(email_key) = email_key else {
        insert_with_key(tx, account, &erased_key)?;
        return Ok(());
    };
    update_profile(tx, account)?;
    tx.prepare_cached("UPDATE users SET email = '', email_key = ? WHERE id = ?")?
        .execute((&erased_key, id))?;
    tx.prepare_cached("UPDATE sessions SET device = NULL, network = NULL WHERE user_id = ?")?
        .execute([id])?;
    for table in [
        "outdated_email_keys",
        "mail_links",
        "email_changes",
        "second_factors",
        "account_closures",
    ] {
        tx.prepare_cached(&format!("DELETE FROM {table} WHERE user_id = ?"))?
            .execute([id])?;
    }
    tx.prepare_cached("DELETE FROM pending_sign_ups WHERE email_key = ?")?
        .execute([&email_key])?;
    Ok(())
}

fn is_unique(changed: rusqlite::Result<usize>) -> Result<bool, Error> {
    match changed {
        Ok(_) => Ok(true),
        Err(error) if db::constraint(&error) == Some(Constraint::Unique) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
