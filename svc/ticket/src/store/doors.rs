use db::{RowReader, Tx, read_row};
use rusqlite::{Connection, OptionalExtension};
use values::{DoorId, TicketId, Timestamp};

use crate::domain::{Door, ShortText};

const COLUMNS: &str = "id, ticket_id, name, expires_at, created_at, row";

fn read_door(row: &mut RowReader<'_, '_>) -> rusqlite::Result<Door> {
    Ok(Door {
        id: row.next()?,
        ticket_id: row.next()?,
        name: ShortText::from_stored(row.next()?),
        expires_at: row.next()?,
        created_at: row.next()?,
        row: row.next()?,
    })
}

/// Returns the door of a token that is neither revoked nor expired.
pub(crate) fn door_of_token(conn: &Connection, hash: [u8; 32], now: Timestamp) -> Result<Option<Door>, db::Error> {
    let sql = format!("SELECT {COLUMNS} FROM door WHERE token_hash = ? AND revoked_at IS NULL AND expires_at > ?");
    let mut select = conn.prepare_cached(&sql)?;
    Ok(select.query_row((hash, now), read_row(read_door)).optional()?)
}

/// Returns the doors of a listing that are not revoked, those after `after`.
pub(crate) fn doors(
    conn: &Connection,
    ticket: TicketId,
    after: Option<i64>,
    limit: u32,
) -> Result<Vec<Door>, db::Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM door WHERE ticket_id = ? AND revoked_at IS NULL AND row > ? ORDER BY row LIMIT ?"
    );
    let mut select = conn.prepare_cached(&sql)?;
    let doors = select.query_map((ticket, after.unwrap_or_default(), limit), read_row(read_door))?;
    Ok(doors.collect::<Result<_, _>>()?)
}

/// Returns the number of doors of a listing that are not revoked.
pub(crate) fn door_count(conn: &Connection, ticket: TicketId) -> Result<u32, db::Error> {
    Ok(conn
        .prepare_cached("SELECT count(*) FROM door WHERE ticket_id = ? AND revoked_at IS NULL")?
        .query_row([ticket], |row| row.get(0))?)
}

/// Returns the door that a request has created, if it is not revoked.
pub(crate) fn door_of_request(conn: &Connection, request: [u8; 32]) -> Result<Option<Door>, db::Error> {
    let sql = format!("SELECT {COLUMNS} FROM door WHERE request_hash = ? AND revoked_at IS NULL");
    let mut select = conn.prepare_cached(&sql)?;
    Ok(select.query_row([request], read_row(read_door)).optional()?)
}

/// Inserts a door.
pub(crate) fn insert_door(tx: &Tx, door: &Door, token: [u8; 32], request: Option<[u8; 32]>) -> Result<(), db::Error> {
    tx.prepare_cached(
        "INSERT INTO door (id, ticket_id, name, token_hash, request_hash, expires_at, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute((
        door.id,
        door.ticket_id,
        door.name.as_str(),
        token,
        request,
        door.expires_at,
        door.created_at,
    ))?;
    Ok(())
}

/// Replaces the token of a door.
pub(crate) fn replace_door_token(tx: &Tx, door: DoorId, token: [u8; 32]) -> Result<(), db::Error> {
    tx.execute("UPDATE door SET token_hash = ? WHERE id = ?", (token, door))?;
    Ok(())
}

/// Revokes a door of a listing. Returns whether there was one that is not revoked.
pub(crate) fn revoke_door(tx: &Tx, now: Timestamp, ticket: TicketId, door: DoorId) -> Result<bool, db::Error> {
    let sql =
        "UPDATE door SET revoked_at = ?, request_hash = NULL WHERE ticket_id = ? AND id = ? AND revoked_at IS NULL";
    Ok(tx.prepare_cached(sql)?.execute((now, ticket, door))? > 0)
}

/// Returns whether a listing has or had this door.
pub(crate) fn has_door(conn: &Connection, ticket: TicketId, door: DoorId) -> Result<bool, db::Error> {
    Ok(conn
        .prepare_cached("SELECT 1 FROM door WHERE ticket_id = ? AND id = ?")?
        .exists((ticket, door))?)
}
