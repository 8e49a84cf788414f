//! What a service has to say and has not yet been able to: rows written in the transaction of the use case, deleted when
//! the broker has confirmed them.

use db::Tx;
use events::{Envelope, Event};
use rusqlite::Connection;
use values::Timestamp;

use crate::DelayLadder;

/// Creates the table; each service lists it among its migrations.
pub const SCHEMA_V1: &str = "
CREATE TABLE outbox (
    id          INTEGER PRIMARY KEY AUTOINCREMENT, -- the order of publishing; never used twice
    destination TEXT NOT NULL CHECK (destination = 'events' OR destination GLOB 'delay.[0-9]*'),
    event_id    TEXT NOT NULL,
    event_type  TEXT NOT NULL,
    traceparent TEXT,
    body        TEXT NOT NULL,
    created_at  INTEGER NOT NULL
) STRICT;
";

/// Announces `event`, once the transaction is committed, to every service that wants to hear it.
pub fn append(tx: &Tx, service: &'static str, now: Timestamp, event: Event) -> Result<(), db::Error> {
    insert(tx, "events", &Envelope::new(service, now, event))
}

/// Writes `timer` to the outbox, for a delay queue of its service.
///
/// It arrives at [`Queue::Due`](crate::Queue::Due) at `deadline`, or later by at most the shortest delay level, or earlier:
/// then the service appends it again.
pub fn append_timer(
    tx: &Tx,
    service: &'static str,
    now: Timestamp,
    timer: Event,
    deadline: Timestamp,
    delay_ladder: &DelayLadder,
) -> Result<(), db::Error> {
    let level = delay_ladder.level_for(now.until(deadline));
    let destination = format!("delay.{}", level.as_millis());
    insert(tx, &destination, &Envelope::new(service, now, timer))
}

fn insert(tx: &Tx, destination: &str, envelope: &Envelope) -> Result<(), db::Error> {
    tx.prepare_cached(
        "INSERT INTO outbox (destination, event_id, event_type, traceparent, body, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute((
        destination,
        envelope.id,
        envelope.event.name(),
        envelope.trace().map(|trace| trace.to_string()),
        envelope.to_json(),
        envelope.time,
    ))?;
    Ok(())
}

/// How much waits in the outbox.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Depth {
    /// Messages.
    pub count: u64,
    /// When the one that waits longest was written.
    pub oldest: Option<Timestamp>,
}

/// How much waits in the outbox. It looks at both ends only, which is exact: rows are written without gaps, even by a
/// transaction that is undone, and deleted from the front.
pub fn depth(conn: &Connection) -> Result<Depth, db::Error> {
    let depth = conn
        .prepare_cached("SELECT coalesce(max(id) - min(id) + 1, 0), (SELECT created_at FROM outbox ORDER BY id LIMIT 1) FROM outbox")?
        .query_row([], |row| {
            Ok(Depth {
                count: row.get::<_, i64>(0)?.unsigned_abs(),
                oldest: row.get(1)?,
            })
        })?;
    Ok(depth)
}

/// A message that waits.
pub(crate) struct Row {
    pub(crate) id: i64,
    pub(crate) destination: Destination,
    pub(crate) event_id: String,
    pub(crate) event_type: String,
    pub(crate) traceparent: Option<String>,
    pub(crate) body: String,
    pub(crate) created_at: Timestamp,
}

pub(crate) enum Destination {
    Events,
    /// The rung, in milliseconds.
    Delay(String),
}

/// The next messages after the one with the id `after`, in order.
pub(crate) fn page(conn: &Connection, after: i64, limit: u32) -> Result<Vec<Row>, db::Error> {
    let mut statement = conn.prepare_cached(
        "SELECT id, destination, event_id, event_type, traceparent, body, created_at
         FROM outbox WHERE id > ?1 ORDER BY id LIMIT ?2",
    )?;
    let rows = statement.query_map((after, limit), |row| {
        let destination: String = row.get(1)?;
        Ok(Row {
            id: row.get(0)?,
            destination: match destination.strip_prefix("delay.") {
                Some(rung) => Destination::Delay(rung.to_owned()),
                None => Destination::Events,
            },
            event_id: row.get(2)?,
            event_type: row.get(3)?,
            traceparent: row.get(4)?,
            body: row.get(5)?,
            created_at: row.get(6)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Forgets the messages up to the one with the id `published`.
pub(crate) fn delete_through(tx: &Tx, published: i64) -> Result<(), db::Error> {
    tx.prepare_cached("DELETE FROM outbox WHERE id <= ?1")?
        .execute([published])?;
    Ok(())
}
