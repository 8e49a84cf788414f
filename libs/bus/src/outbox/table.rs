use std::borrow::Cow;

use db::Tx;
use events::{Envelope, Event};
use rusqlite::Connection;
use values::Timestamp;

use crate::DelayLadder;
#[cfg(feature = "torture-bugs")]
use crate::deliberate_bugs::{self, UncommittedEvent};

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

/// Appends `event`. After the commit it is published to all subscribed services.
///
/// An event larger than [`MAX_MESSAGE_BYTES`] is refused: the caller's transaction fails.
pub fn append(tx: &Tx, service: &'static str, now: Timestamp, event: Event) -> Result<(), db::Error> {
    insert(tx, Destination::Events, &Envelope::new(service, now, event))
}

/// Appends `timer`. After the commit it is published to a delay queue of the service.
///
/// It arrives at [`Queue::Timers`](crate::Queue::Timers) at most the shortest delay level after `deadline`. If it arrives
/// before, append it again.
pub fn append_timer(
    tx: &Tx,
    service: &'static str,
    now: Timestamp,
    timer: Event,
    deadline: Timestamp,
    delay_ladder: &DelayLadder,
) -> Result<(), db::Error> {
    let level = delay_ladder.level_for(now.until(deadline));
    let destination = Destination::Delay(level.as_millis().to_string());
    insert(tx, destination, &Envelope::new(service, now, timer))
}

/// The maximum size of a message in bytes.
///
/// A broker closes the channel of a larger message than it permits, and the relay could not publish any later one: 16 MiB in
/// RabbitMQ 4, 128 MiB before (`max_message_size`). The body of a request has 64 KiB at most, so no event of a request comes
/// near.
pub const MAX_MESSAGE_BYTES: usize = 1024 * 1024;

/// An event that exceeds [`MAX_MESSAGE_BYTES`].
#[derive(Debug, thiserror::Error)]
#[error("the event {event_type} of {subject} has {bytes} bytes, and a message has {MAX_MESSAGE_BYTES} at most")]
struct OversizedEvent {
    event_type: &'static str,
    subject: String,
    bytes: usize,
}

/// Inserts a row and hands it over to the relay, or fails the transaction if the broker would not accept the message.
fn insert(tx: &Tx, destination: Destination, envelope: &Envelope) -> Result<(), db::Error> {
    let body = envelope.to_json();
    if body.len() > MAX_MESSAGE_BYTES {
        let oversized = OversizedEvent {
            event_type: envelope.event.name(),
            subject: envelope.subject.clone(),
            bytes: body.len(),
        };
        return Err(rusqlite::Error::ToSqlConversionFailure(Box::new(oversized)).into());
    }
    let mut row = OutboxRow {
        id: 0,
        destination,
        event_id: envelope.id.to_string(),
        subject: envelope.subject.clone(),
        event_type: envelope.event.name().to_owned(),
        traceparent: envelope.trace().map(|trace| trace.to_string()),
        body,
        created_at: envelope.time,
    };
    row.id = tx
        .prepare_cached(
            "INSERT INTO outbox (destination, event_id, event_type, traceparent, body, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .insert((
            row.destination.to_text(),
            &row.event_id,
            &row.event_type,
            &row.traceparent,
            &row.body,
            row.created_at,
        ))?;
    #[cfg(feature = "torture-bugs")]
    deliberate_bugs::publish_uncommitted(UncommittedEvent {
        destination: row.destination.to_text().into_owned(),
        id: row.event_id.clone(),
        event_type: envelope.event.name(),
        body: row.body.clone(),
        time: row.created_at,
    });
    let bytes = size_of::<OutboxRow>() + row.body.len();
    tx.hand_over(row, bytes);
    Ok(())
}

/// The number and age of the messages in the outbox.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Depth {
    /// The number of messages.
    pub count: u64,
    /// The creation time of the oldest message.
    pub oldest: Option<Timestamp>,
}

/// Returns the number and age of the messages in the outbox.
///
/// It reads only the first and the last row. That is exact: ids have no gaps, even after a rollback, and rows are deleted
/// from the front.
pub fn depth(conn: &Connection) -> Result<Depth, db::Error> {
    let depth = conn
        .prepare_cached(
            "SELECT coalesce(max(id) - min(id) + 1, 0), (SELECT created_at FROM outbox ORDER BY id LIMIT 1) FROM outbox",
        )?
        .query_row([], |row| {
            Ok(Depth {
                count: row.get::<_, i64>(0)?.unsigned_abs(),
                oldest: row.get(1)?,
            })
        })?;
    Ok(depth)
}

/// The number of unpublished messages above which work in the background pauses.
const MAX_BACKGROUND_LENGTH: u64 = 5000;

/// Whether work in the background has to pause before it publishes more: the events of requests wait behind its own.
pub fn is_long(conn: &Connection) -> Result<bool, db::Error> {
    Ok(depth(conn)?.count > MAX_BACKGROUND_LENGTH)
}

/// A message in the outbox.
pub(super) struct OutboxRow {
    pub(super) id: i64,
    pub(super) destination: Destination,
    pub(super) event_id: String,
    /// The aggregate, whose events are published in order.
    pub(super) subject: String,
    pub(super) event_type: String,
    pub(super) traceparent: Option<String>,
    pub(super) body: String,
    pub(super) created_at: Timestamp,
}

pub(super) enum Destination {
    Events,
    /// The delay level, in milliseconds.
    Delay(String),
}

impl Destination {
    fn from_text(text: &str) -> Self {
        match text.strip_prefix("delay.") {
            Some(level) => Self::Delay(level.to_owned()),
            None => Self::Events,
        }
    }

    fn to_text(&self) -> Cow<'static, str> {
        match self {
            Self::Events => "events".into(),
            Self::Delay(level) => format!("delay.{level}").into(),
        }
    }
}

#[cfg(feature = "torture-bugs")]
impl From<UncommittedEvent> for OutboxRow {
    fn from(event: UncommittedEvent) -> Self {
        Self {
            id: 0,
            destination: Destination::from_text(&event.destination),
            event_id: event.id,
            subject: String::new(),
            event_type: event.event_type.to_owned(),
            traceparent: None,
            body: event.body,
            created_at: event.time,
        }
    }
}

/// Returns the next `limit` rows after the one with the id `after`, in order.
pub(super) fn rows_after(conn: &Connection, after: i64, limit: usize) -> Result<Vec<OutboxRow>, db::Error> {
    let mut statement = conn.prepare_cached(
        "SELECT id, destination, event_id, event_type, traceparent, body, created_at,
                coalesce(body ->> '$.subject', '')
         FROM outbox WHERE id > ?1 ORDER BY id LIMIT ?2",
    )?;
    let rows = statement.query_map((after, i64::try_from(limit).unwrap_or(i64::MAX)), |row| {
        Ok(OutboxRow {
            id: row.get(0)?,
            destination: Destination::from_text(row.get_ref(1)?.as_str()?),
            event_id: row.get(2)?,
            event_type: row.get(3)?,
            traceparent: row.get(4)?,
            body: row.get(5)?,
            created_at: row.get(6)?,
            subject: row.get(7)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Deletes the rows up to and including the one with the id `confirmed`.
pub(super) fn delete_through(tx: &Tx, confirmed: i64) -> Result<(), db::Error> {
    tx.prepare_cached("DELETE FROM outbox WHERE id <= ?1")?
        .execute([confirmed])?;
    Ok(())
}
