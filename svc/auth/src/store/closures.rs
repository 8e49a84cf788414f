use std::collections::BTreeMap;

use db::{Error, RowReader, Tx, read_row};
use events::ClosureObstacle;
use rusqlite::{Connection, OptionalExtension};
use values::{Timestamp, UserId};

use crate::domain::{ClosureRequest, ClosureRound, DecidingService};

/// The number of requests that one transaction reads.
const PAGE_SIZE: u32 = 100;

fn read_request(row: &mut RowReader<'_, '_>) -> rusqlite::Result<ClosureRequest> {
    Ok(ClosureRequest {
        user_id: row.next()?,
        version: row.next()?,
        round: match row.next::<i64>()? {
            1 => ClosureRound::First,
            _ => ClosureRound::Second,
        },
        requested_at: row.next()?,
        ended_at: row.next()?,
        decisions: BTreeMap::new(),
    })
}

/// Inserts a request in its first round, for which the services are asked at its time. An earlier one of the user is replaced.
pub(crate) fn insert_closure(tx: &Tx, request: &ClosureRequest) -> Result<(), Error> {
    delete_decisions(tx, request.user_id)?;
    tx.prepare_cached(
        "INSERT OR REPLACE INTO account_closures (user_id, version, round, requested_at, asked_at, ended_at)
         VALUES (?1, ?2, 1, ?3, ?3, ?4)",
    )?
    .execute((request.user_id, request.version, request.requested_at, request.ended_at))?;
    Ok(())
}

/// Returns the newest request of a user to delete the account.
pub(crate) fn find_closure(conn: &Connection, user_id: UserId) -> Result<Option<ClosureRequest>, Error> {
    let request = conn
        .prepare_cached(
            "SELECT user_id, version, round, requested_at, ended_at FROM account_closures WHERE user_id = ?",
        )?
        .query_row([user_id], read_row(read_request))
        .optional()?;
    let Some(mut request) = request else { return Ok(None) };
    let mut decisions = conn.prepare_cached("SELECT service, obstacles FROM closure_decisions WHERE user_id = ?")?;
    let rows = decisions.query_map([user_id], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
    for row in rows {
        let (service, obstacles): (DecidingService, _) = row?;
        let obstacles = obstacles.split_whitespace().filter_map(|text| text.parse().ok());
        request.decisions.insert(service, obstacles.collect());
    }
    Ok(Some(request))
}

/// Stores what a service has decided. The request exists.
pub(crate) fn put_decision(
    tx: &Tx,
    user_id: UserId,
    service: DecidingService,
    obstacles: &[ClosureObstacle],
) -> Result<(), Error> {
    let texts: Vec<_> = obstacles.iter().map(|obstacle| obstacle.as_str()).collect();
    tx.prepare_cached(
        "INSERT INTO closure_decisions (user_id, service, obstacles) VALUES (?, ?, ?)
         ON CONFLICT DO UPDATE SET obstacles = excluded.obstacles",
    )?
    .execute((user_id, service, texts.join(" ")))?;
    Ok(())
}

/// Returns a page of the open requests about which the services were asked until `until`, the longest ago first.
pub(crate) fn closures_asked_until(conn: &Connection, until: Timestamp) -> Result<Vec<UserId>, Error> {
    let mut statement = conn.prepare_cached(
        "SELECT user_id FROM account_closures WHERE ended_at IS NULL AND asked_at <= ? ORDER BY asked_at LIMIT ?",
    )?;
    let rows = statement.query_map((until, PAGE_SIZE), |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Stores that the services were asked about this version of the account. Earlier decisions do not count any more.
pub(crate) fn set_closure_asked(
    tx: &Tx,
    user_id: UserId,
    version: u64,
    round: ClosureRound,
    now: Timestamp,
) -> Result<(), Error> {
    delete_decisions(tx, user_id)?;
    let round = match round {
        ClosureRound::First => 1,
        ClosureRound::Second => 2,
    };
    tx.prepare_cached("UPDATE account_closures SET version = ?, round = ?, asked_at = ? WHERE user_id = ?")?
        .execute((version, round, now, user_id))?;
    Ok(())
}

/// Ends a request that is open: the account is active again.
pub(crate) fn end_closure(tx: &Tx, user_id: UserId, now: Timestamp) -> Result<(), Error> {
    tx.prepare_cached("UPDATE account_closures SET ended_at = ? WHERE user_id = ?")?
        .execute((now, user_id))?;
    Ok(())
}

/// Deletes what services have decided about the request of a user.
pub(crate) fn delete_decisions(tx: &Tx, user_id: UserId) -> Result<(), Error> {
    tx.prepare_cached("DELETE FROM closure_decisions WHERE user_id = ?")?
        .execute([user_id])?;
    Ok(())
}
