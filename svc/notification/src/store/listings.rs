use db::{NamedParameters, RowReader, Tx, read_row};
use rusqlite::{Connection, OptionalExtension, named_params};
use values::{OrderId, TicketId, Timestamp};

use crate::domain::{Cause, Listing};

db::columns! {
    /// The columns of a listing.
    LISTING: "listing" = [id, version, title, venue, time_zone, starts_at, withdrawn_at];
}

/// A withdrawal whose buyers have no mail yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Withdrawal {
    pub(crate) ticket_id: TicketId,
    pub(crate) withdrawn_at: Timestamp,
    pub(crate) published_at: Timestamp,
    /// The last order that was read.
    pub(crate) after: String,
}

/// Stores the state of a listing, unless a later one is stored. The first state that is withdrawn begins the mails about the
/// withdrawal.
pub(crate) fn upsert_listing(tx: &Tx, listing: &Listing, published_at: Timestamp) -> Result<(), db::Error> {
    let sql = format!(
        "INSERT INTO listing ({}, withdrawal_published_at, notified_up_to) VALUES ({}, :published_at, :notified_up_to)
         ON CONFLICT (id) DO UPDATE SET version = excluded.version, title = excluded.title, venue = excluded.venue,
             time_zone = excluded.time_zone, starts_at = excluded.starts_at,
             notified_up_to = iif(withdrawn_at IS NULL, excluded.notified_up_to, notified_up_to),
             withdrawal_published_at = iif(withdrawn_at IS NULL, excluded.withdrawal_published_at, withdrawal_published_at),
             withdrawn_at = excluded.withdrawn_at
         WHERE excluded.version > version",
        LISTING.names, LISTING.placeholders
    );
    tx.prepare_cached(&sql)?.execute_named(named_params! {
        ":id": listing.id,
        ":version": listing.version.cast_signed(),
        ":title": listing.title,
        ":venue": listing.venue,
        ":time_zone": listing.time_zone,
        ":starts_at": listing.starts_at,
        ":withdrawn_at": listing.withdrawn_at,
        ":published_at": listing.withdrawn_at.map(|_| published_at),
        ":notified_up_to": listing.withdrawn_at.map(|_| ""),
    })?;
    Ok(())
}

/// Returns a listing.
pub(crate) fn listing(conn: &Connection, id: TicketId) -> Result<Option<Listing>, db::Error> {
    let sql = format!("SELECT {} FROM listing WHERE id = ?1", LISTING.select);
    let mut statement = conn.prepare_cached(&sql)?;
    Ok(statement.query_row([id], read_row(read_listing)).optional()?)
}

/// Returns when the withdrawal of a listing was published, if it is withdrawn.
pub(crate) fn withdrawal_published_at(conn: &Connection, id: TicketId) -> Result<Option<Timestamp>, db::Error> {
    let mut statement = conn.prepare_cached("SELECT withdrawal_published_at FROM listing WHERE id = ?1")?;
    Ok(statement.query_row([id], |row| row.get(0)).optional()?.flatten())
}

/// Returns the withdrawal of a listing if the mails about it have not reached this order.
pub(crate) fn pending_withdrawal(conn: &Connection, id: TicketId, order: OrderId) -> Result<Option<Cause>, db::Error> {
    let mut statement = conn.prepare_cached(
        "SELECT withdrawn_at, withdrawal_published_at FROM listing WHERE id = ?1 AND notified_up_to < ?2",
    )?;
    let cause = statement.query_row((id, order), |row| {
        Ok(Cause {
            happened_at: row.get(0)?,
            published_at: row.get(1)?,
        })
    });
    Ok(cause.optional()?)
}

/// Returns a withdrawal whose buyers have no mail yet.
pub(crate) fn next_withdrawal(conn: &Connection) -> Result<Option<Withdrawal>, db::Error> {
    let mut statement = conn.prepare_cached(
        "SELECT id, withdrawn_at, withdrawal_published_at, notified_up_to FROM listing INDEXED BY listing_to_notify
         WHERE notified_up_to IS NOT NULL ORDER BY id LIMIT 1",
    )?;
    let withdrawal = statement.query_row([], |row| {
        Ok(Withdrawal {
            ticket_id: row.get(0)?,
            withdrawn_at: row.get(1)?,
            published_at: row.get(2)?,
            after: row.get(3)?,
        })
    });
    Ok(withdrawal.optional()?)
}

/// Stores up to which order the buyers of a withdrawn listing have a mail; `None` if all have.
pub(crate) fn save_withdrawal_position(tx: &Tx, id: TicketId, up_to: Option<&str>) -> Result<(), db::Error> {
    tx.prepare_cached("UPDATE listing SET notified_up_to = ?2 WHERE id = ?1")?
        .execute((id, up_to))?;
    Ok(())
}

fn read_listing(row: &mut RowReader<'_, '_>) -> rusqlite::Result<Listing> {
    Ok(Listing {
        id: row.next()?,
        version: row.next::<i64>()?.unsigned_abs(),
        title: row.next()?,
        venue: row.next()?,
        time_zone: row.next()?,
        starts_at: row.next()?,
        withdrawn_at: row.next()?,
    })
}
