use db::{Error, RowReader, Tx, read_row};
use rusqlite::{Connection, OptionalExtension, named_params};
use values::Timestamp;

use crate::domain::StoredKey;

db::columns! {
    SIGNING_KEY: "signing_keys" = [kid, seed, created_at, retired_at];
}

fn read_signing_key(row: &mut RowReader<'_, '_>) -> rusqlite::Result<StoredKey> {
    Ok(StoredKey {
        kid: row.next()?,
        seed: row.next()?,
        created_at: row.next()?,
        retired_at: row.next()?,
    })
}

/// Returns all signing keys, the newest first.
pub(crate) fn signing_keys(conn: &Connection) -> Result<Vec<StoredKey>, Error> {
    let sql = format!(
        "SELECT {} FROM signing_keys ORDER BY retired_at IS NULL DESC, created_at DESC",
        SIGNING_KEY.select
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let rows = statement.query_map([], read_row(read_signing_key))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(crate) fn insert_signing_key(tx: &Tx, key: &StoredKey) -> Result<(), Error> {
    tx.prepare_cached(SIGNING_KEY.insert)?.execute(named_params! {
        ":kid": key.kid,
        ":seed": key.seed,
        ":created_at": key.created_at,
        ":retired_at": key.retired_at,
    })?;
    Ok(())
}

pub(crate) fn retire_signing_key(tx: &Tx, now: Timestamp) -> Result<(), Error> {
    // `max`, because the clock may have been set back since.
    tx.execute(
        "UPDATE signing_keys SET retired_at = max(created_at, ?) WHERE retired_at IS NULL",
        [now],
    )?;
    Ok(())
}

pub(crate) fn delete_signing_keys(tx: &Tx, retired_before: Timestamp) -> Result<usize, Error> {
    Ok(tx.execute(
        "DELETE FROM signing_keys WHERE retired_at < ? AND NOT EXISTS (SELECT 1 FROM sign_up_keys WHERE kid = signing_keys.kid)",
        [retired_before],
    )?)
}

/// Deletes all keys, and the sign-ups that could be repeated only with them.
pub(crate) fn delete_all_keys(tx: &Tx) -> Result<(), Error> {
    tx.execute("DELETE FROM sign_up_keys", [])?;
    tx.execute("DELETE FROM signing_keys", [])?;
    tx.execute("DELETE FROM refresh_key", [])?;
    Ok(())
}

pub(crate) fn refresh_key_seed(conn: &Connection) -> Result<Option<[u8; 32]>, Error> {
    Ok(conn
        .prepare_cached("SELECT seed FROM refresh_key WHERE id = 1")?
        .query_row([], |row| row.get(0))
        .optional()?)
}

pub(crate) fn insert_refresh_key(tx: &Tx, seed: [u8; 32]) -> Result<(), Error> {
    tx.execute("INSERT INTO refresh_key (id, seed) VALUES (1, ?)", [seed])?;
    Ok(())
}
