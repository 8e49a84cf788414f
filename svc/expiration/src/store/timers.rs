use db::{NamedParameters, RowReader, Tx, read_row};
use rusqlite::{Connection, OptionalExtension, Params, named_params, types::FromSqlError};
use values::{OrderId, Timestamp};

use crate::domain::{StoppedBy, Timer, TimerState};

db::columns! {
    /// The columns of a timer.
    TIMER: "timer" = [order_id, buyer_id, deadline, order_version, state, stopped_by];
}

/// Returns the timer of an order.
pub(crate) fn find_timer(conn: &Connection, order: OrderId) -> Result<Option<Timer>, db::Error> {
    let sql = format!("SELECT {} FROM timer WHERE order_id = ?1", TIMER.select);
    let mut statement = conn.prepare_cached(&sql)?;
    Ok(statement.query_row([order], read_row(read_timer)).optional()?)
}

/// Returns up to `limit` pending timers whose deadline has passed, the earliest deadline first.
pub(crate) fn overdue_timers(conn: &Connection, now: Timestamp, limit: u32) -> Result<Vec<Timer>, db::Error> {
    query_timers(
        conn,
        "WHERE state = 'pending' AND deadline <= ?1 ORDER BY deadline LIMIT ?2",
        (now, limit),
    )
}

/// Returns the pending timer with the earliest deadline of those that have a deadline after `start` and up to `end`, except
/// that of the order `except`.
pub(crate) fn first_pending_between(
    conn: &Connection,
    start: Timestamp,
    end: Timestamp,
    except: Option<OrderId>,
) -> Result<Option<Timer>, db::Error> {
    let timers = query_timers(
        conn,
        "WHERE state = 'pending' AND deadline > ?1 AND deadline <= ?2 AND order_id IS NOT ?3 ORDER BY deadline LIMIT 1",
        (start, end, except),
    )?;
    Ok(timers.into_iter().next())
}

/// Counts the pending timers, up to `limit`.
pub(crate) fn count_pending(conn: &Connection, limit: u32) -> Result<i64, db::Error> {
    let mut count = conn.prepare_cached(
        "SELECT count(*) FROM (SELECT 1 FROM timer INDEXED BY timer_pending WHERE state = 'pending' LIMIT ?1)",
    )?;
    Ok(count.query_row([limit], |row| row.get(0))?)
}

/// Counts the pending timers whose deadline has passed, up to `limit`.
pub(crate) fn count_overdue(conn: &Connection, now: Timestamp, limit: u32) -> Result<i64, db::Error> {
    let mut count = conn.prepare_cached(
        "SELECT count(*) FROM (SELECT 1 FROM timer WHERE state = 'pending' AND deadline <= ?1 LIMIT ?2)",
    )?;
    Ok(count.query_row((now, limit), |row| row.get(0))?)
}

/// Returns the earliest deadline of all pending timers.
pub(crate) fn earliest_deadline(conn: &Connection) -> Result<Option<Timestamp>, db::Error> {
    let mut first = conn.prepare_cached("SELECT min(deadline) FROM timer WHERE state = 'pending'")?;
    Ok(first.query_row([], |row| row.get(0))?)
}

/// Returns the newest order that has a timer.
pub(crate) fn newest_order(conn: &Connection) -> Result<Option<OrderId>, db::Error> {
    Ok(conn.query_row("SELECT max(order_id) FROM timer", [], |row| row.get(0))?)
}

/// Returns up to `limit` timers by order id, starting after the order id `after`.
pub(crate) fn timers_after(conn: &Connection, after: &str, limit: u32) -> Result<Vec<Timer>, db::Error> {
    query_timers(conn, "WHERE order_id > ?1 ORDER BY order_id LIMIT ?2", (after, limit))
}

/// Inserts or replaces the timer of an order.
pub(crate) fn save_timer(tx: &Tx, timer: &Timer) -> Result<(), db::Error> {
    let (state, stopped_by) = match timer.state() {
        TimerState::Pending => ("pending", None),
        TimerState::Expired => ("expired", None),
        TimerState::Stopped(by) => ("stopped", Some(by)),
    };
    let sql = format!(
        "{} ON CONFLICT (order_id) DO UPDATE SET buyer_id = excluded.buyer_id, deadline = excluded.deadline,
             order_version = excluded.order_version, state = excluded.state, stopped_by = excluded.stopped_by",
        TIMER.insert
    );
    tx.prepare_cached(&sql)?.execute_named(named_params! {
        ":order_id": timer.order_id(),
        ":buyer_id": timer.buyer_id(),
        ":deadline": timer.deadline(),
        // A version beyond the range of SQLite becomes negative, which a CHECK refuses.
        ":order_version": timer.order_version().cast_signed(),
        ":state": state,
        ":stopped_by": stopped_by,
    })?;
    Ok(())
}

/// Returns the timers that match `condition`, which also orders and limits them.
fn query_timers(conn: &Connection, condition: &str, params: impl Params) -> Result<Vec<Timer>, db::Error> {
    let sql = format!("SELECT {} FROM timer {condition}", TIMER.select);
    let mut statement = conn.prepare_cached(&sql)?;
    let timers = statement.query_map(params, read_row(read_timer))?;
    Ok(timers.collect::<Result<_, _>>()?)
}

fn read_timer(row: &mut RowReader<'_, '_>) -> rusqlite::Result<Timer> {
    Ok(Timer::from_fields(
        row.next()?,
        row.next()?,
        row.next()?,
        row.next::<i64>()?.unsigned_abs(),
        read_state(row)?,
    ))
}

fn read_state(row: &mut RowReader<'_, '_>) -> rusqlite::Result<TimerState> {
    let (state, stopped_by): (String, Option<StoppedBy>) = (row.next()?, row.next()?);
    match (state.as_str(), stopped_by) {
        ("pending", None) => Ok(TimerState::Pending),
        ("expired", None) => Ok(TimerState::Expired),
        ("stopped", Some(by)) => Ok(TimerState::Stopped(by)),
        _ => Err(FromSqlError::InvalidType.into()),
    }
}
