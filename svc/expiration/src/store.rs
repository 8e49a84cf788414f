//! Every statement on timers.

use db::Tx;
use rusqlite::{Connection, OptionalExtension, Params, Row, types::FromSqlError};
use values::{OrderId, Timestamp};

use crate::timer::{State, StoppedBy, Timer};

/// The timer of an order.
pub(crate) fn find(conn: &Connection, order: OrderId) -> Result<Option<Timer>, db::Error> {
    let mut found = conn.prepare_cached(
        "SELECT order_id, buyer_id, deadline, order_version, state, stopped_by FROM timer WHERE order_id = ?1",
    )?;
    Ok(found.query_row([order], timer).optional()?)
}

/// Up to `limit` timers that are pending though their deadline has passed, the most overdue first.
pub(crate) fn overdue(conn: &Connection, now: Timestamp, limit: u32) -> Result<Vec<Timer>, db::Error> {
    all(
        conn,
        "SELECT order_id, buyer_id, deadline, order_version, state, stopped_by FROM timer
         WHERE state = 'pending' AND deadline <= ?1 ORDER BY deadline LIMIT ?2",
        (now, limit),
    )
}

/// How many timers are pending; at most `limit`.
pub(crate) fn count_pending(conn: &Connection, limit: u32) -> Result<i64, db::Error> {
    let mut count = conn.prepare_cached(
        "SELECT count(*) FROM (SELECT 1 FROM timer INDEXED BY timer_pending WHERE state = 'pending' LIMIT ?1)",
    )?;
    Ok(count.query_row([limit], |row| row.get(0))?)
}

/// How many timers are pending though their deadline has passed; at most `limit`.
pub(crate) fn count_overdue(conn: &Connection, now: Timestamp, limit: u32) -> Result<i64, db::Error> {
    let mut count = conn.prepare_cached(
        "SELECT count(*) FROM (SELECT 1 FROM timer WHERE state = 'pending' AND deadline <= ?1 LIMIT ?2)",
    )?;
    Ok(count.query_row((now, limit), |row| row.get(0))?)
}

/// The first deadline of all pending timers.
pub(crate) fn first_deadline(conn: &Connection) -> Result<Option<Timestamp>, db::Error> {
    let mut first = conn.prepare_cached("SELECT min(deadline) FROM timer WHERE state = 'pending'")?;
    Ok(first.query_row([], |row| row.get(0))?)
}

/// The newest order that was heard of.
pub(crate) fn newest(conn: &Connection) -> Result<Option<OrderId>, db::Error> {
    Ok(conn.query_row("SELECT max(order_id) FROM timer", [], |row| row.get(0))?)
}

/// Up to `limit` timers, in the order of their orders' ids, those after `after`.
pub(crate) fn page(conn: &Connection, after: &str, limit: u32) -> Result<Vec<Timer>, db::Error> {
    all(
        conn,
        "SELECT order_id, buyer_id, deadline, order_version, state, stopped_by FROM timer
         WHERE order_id > ?1 ORDER BY order_id LIMIT ?2",
        (after, limit),
    )
}

/// Keeps a timer in place of what was known of its order.
pub(crate) fn save(tx: &Tx, timer: &Timer) -> Result<(), db::Error> {
    let (state, stopped_by) = match timer.state {
        State::Pending => ("pending", None),
        State::Expired => ("expired", None),
        State::Stopped(by) => ("stopped", Some(by)),
    };
    tx.prepare_cached(
        "INSERT INTO timer (order_id, buyer_id, deadline, order_version, state, stopped_by)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (order_id) DO UPDATE SET buyer_id = excluded.buyer_id, deadline = excluded.deadline,
             order_version = excluded.order_version, state = excluded.state, stopped_by = excluded.stopped_by",
    )?
    .execute((
        timer.order_id,
        timer.buyer_id,
        timer.deadline,
        // Beyond what SQLite can hold it would be negative, which the table refuses.
        timer.order_version.cast_signed(),
        state,
        stopped_by,
    ))?;
    Ok(())
}

fn all(conn: &Connection, sql: &str, params: impl Params) -> Result<Vec<Timer>, db::Error> {
    let mut found = conn.prepare_cached(sql)?;
    let timers = found.query_map(params, timer)?;
    Ok(timers.collect::<Result<_, _>>()?)
}

fn timer(row: &Row<'_>) -> rusqlite::Result<Timer> {
    Ok(Timer {
        order_id: row.get(0)?,
        buyer_id: row.get(1)?,
        deadline: row.get(2)?,
        order_version: row.get::<_, i64>(3)?.unsigned_abs(),
        state: state(row)?,
    })
}

fn state(row: &Row<'_>) -> rusqlite::Result<State> {
    let stopped_by: Option<StoppedBy> = row.get(5)?;
    match (row.get_ref(4)?.as_str()?, stopped_by) {
        ("pending", None) => Ok(State::Pending),
        ("expired", None) => Ok(State::Expired),
        ("stopped", Some(by)) => Ok(State::Stopped(by)),
        _ => Err(FromSqlError::InvalidType.into()),
    }
}
