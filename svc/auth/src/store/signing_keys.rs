use db::{Error, NamedParameters, RowReader, Tx, read_row};
use rusqlite::{Connection, OptionalExtension, named_params};
use values::Timestamp;
use zeroize::Zeroizing;

use crate::domain::{StoredKey, StoredSeed};

db::columns! {
    SIGNING_KEY: "signing_keys" = [kid, sealed, seed, created_at, retired_at];
}

fn read_signing_key(row: &mut RowReader<'_, '_>) -> rusqlite::Result<StoredKey> {
    Ok(StoredKey {
        kid: row.next()?,
        seed: read_seed(row.next()?, row.next()?),
        created_at: row.next()?,
        retired_at: row.next()?,
    })
}

fn read_seed(sealed: Option<Vec<u8>>, plain: Option<[u8; 32]>) -> StoredSeed {
    match plain {
        Some(plain) => StoredSeed::Plain(Zeroizing::new(plain)),
        None => StoredSeed::Sealed(sealed.unwrap_or_default()),
    }
}

/// Returns the columns `sealed` and `seed`.
fn seed_columns(seed: &StoredSeed) -> (Option<&[u8]>, Option<&[u8; 32]>) {
    match seed {
        StoredSeed::Plain(plain) => (None, Some(plain)),
        StoredSeed::Sealed(sealed) => (Some(sealed), None),
    }
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
    let (sealed, seed) = seed_columns(&key.seed);
    tx.prepare_cached(SIGNING_KEY.insert)?.execute_named(named_params! {
        ":kid": key.kid,
        ":sealed": sealed,
        ":seed": seed,
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

pub(crate) fn refresh_key_seed(conn: &Connection) -> Result<Option<StoredSeed>, Error> {
    Ok(conn
        .prepare_cached("SELECT sealed, seed FROM refresh_key WHERE id = 1")?
        .query_row([], |row| Ok(read_seed(row.get(0)?, row.get(1)?)))
        .optional()?)
}

pub(crate) fn insert_refresh_key(tx: &Tx, seed: &StoredSeed) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO refresh_key (id, sealed, seed) VALUES (1, ?, ?)",
        seed_columns(seed),
    )?;
    Ok(())
}

/// Replaces the stored seed of a signing key.
pub(crate) fn update_signing_key_seed(tx: &Tx, kid: &str, seed: &StoredSeed) -> Result<(), Error> {
    let (sealed, seed) = seed_columns(seed);
    tx.execute(
        "UPDATE signing_keys SET sealed = ?, seed = ? WHERE kid = ?",
        (sealed, seed, kid),
    )?;
    Ok(())
}

/// Replaces the stored seed of the refresh key.
pub(crate) fn update_refresh_key_seed(tx: &Tx, seed: &StoredSeed) -> Result<(), Error> {
    tx.execute("UPDATE refresh_key SET sealed = ?, seed = ?", seed_columns(seed))?;
    Ok(())
}

/// Overwrites deleted content from now on, with this connection (<https://sqlite.org/pragma.html#pragma_secure_delete>).
pub(crate) fn overwrite_deleted(tx: &Tx) -> Result<(), Error> {
    Ok(tx.execute_batch("PRAGMA secure_delete = ON")?)
}

/// Whether a key is encrypted.
pub(crate) fn has_sealed_keys(conn: &Connection) -> Result<bool, Error> {
    Ok(conn
        .prepare(
            "SELECT 1 FROM signing_keys WHERE sealed IS NOT NULL
             UNION ALL SELECT 1 FROM refresh_key WHERE sealed IS NOT NULL",
        )?
        .exists([])?)
}
