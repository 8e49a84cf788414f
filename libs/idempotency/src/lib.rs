//! `Idempotency-Key`: a repeated request gets the stored response of the first one, byte for byte.
//!
//! The response is stored in the transaction of its effect, so neither exists without the other, even if the process
//! dies ([draft-ietf-httpapi-idempotency-key-header]). A refusal has no effect and is not stored: the request is decided
//! again. So refusals take no space, and none is repeated when its reason is gone.
//!
//! [draft-ietf-httpapi-idempotency-key-header]: https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/

mod key;
mod stored_response;

use std::time::Duration;

use chassis::Job;
use db::{Db, Tx};
use poem::IntoResponse;
use poem::http::StatusCode;
use problem::Problem;
use rusqlite::OptionalExtension;
use values::{Clock, Timestamp};

pub use key::{IdempotencyKey, IdempotentRequest, MalformedKey, without_absent};
pub use stored_response::StoredResponse;

/// The migration that creates the table; a service lists it among its own.
pub const SCHEMA_V1: &str = include_str!("v1.sql");

/// The migration that bounds the number of responses of a client; a service lists it among its own, after [`SCHEMA_V1`].
pub const SCHEMA_V2: &str = include_str!("v2.sql");

/// The migration that stores responses in the order of their creation; a service lists it among its own, after [`SCHEMA_V2`].
pub const SCHEMA_V3: &str = include_str!("v3.sql");

/// How long a response is stored. A request that is repeated later is a new one.
pub const RETENTION: Duration = Duration::from_hours(24);

/// The number of responses that are stored for one client; the oldest are deleted first.
const MAX_STORED_PER_CLIENT: u32 = 1000;

/// Runs `work` for a request until it succeeds once, and returns its stored response from then on.
///
/// Without a key it always runs, and its response is not stored. The same key with another content is refused with 422. The
/// caller returns an error, so that nothing of a refused attempt remains.
pub fn run_once<R: IntoResponse>(
    tx: &Tx,
    now: Timestamp,
    request: &IdempotentRequest,
    work: impl FnOnce(&Tx) -> Result<R, Problem>,
) -> Result<StoredResponse<R>, Problem> {
    if let Some(stored) = replay(tx, request)? {
        return Ok(stored);
    }
    let response = StoredResponse::new(request, work(tx)?);
    store(tx, now, request, &response)?;
    Ok(response)
}

/// Returns the stored response of a request, if there is one.
pub fn replay<R>(tx: &Tx, request: &IdempotentRequest) -> Result<Option<StoredResponse<R>>, Problem> {
    let Some(key) = &request.key else { return Ok(None) };
    let stored = tx
        .prepare_cached(FIND)
        .and_then(|mut statement| {
            statement
                .query_row((request.operation, &request.client, key.as_str()), |row| {
                    Ok((
                        row.get::<_, Vec<u8>>(0)?,
                        row.get(1)?,
                        row.get::<_, String>(2)?,
                        row.get(3)?,
                    ))
                })
                .optional()
        })
        .map_err(db::Error::from)?;
    match stored {
        None => Ok(None),
        Some((fingerprint, status, headers, body)) if fingerprint == request.fingerprint => {
            Ok(Some(StoredResponse::stored(status, &headers, body)))
        }
        Some(_) => Err(key_reused()),
    }
}

/// Stores a response for [`replay`]; without a key it stores nothing.
pub fn store<R>(
    tx: &Tx,
    now: Timestamp,
    request: &IdempotentRequest,
    response: &StoredResponse<R>,
) -> Result<(), db::Error> {
    let (Some(key), Some((status, headers, body))) = (&request.key, response.parts()) else {
        return Ok(());
    };
    let number: i64 = tx
        .prepare_cached("SELECT coalesce(max(number), 0) + 1 FROM idempotency WHERE client = ?")?
        .query_row([&request.client], |row| row.get(0))?;
    tx.prepare_cached(
        "INSERT INTO idempotency (operation, client, key, fingerprint, status, headers, body, created_at, number)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute((
        request.operation,
        &request.client,
        key.as_str(),
        &request.fingerprint,
        status,
        headers,
        body,
        now,
        number,
    ))?;
    tx.prepare_cached("DELETE FROM idempotency WHERE client = ? AND number <= ?")?
        .execute((&request.client, number - i64::from(MAX_STORED_PER_CLIENT)))?;
    Ok(())
}

/// Deletes the stored response of a request unless it was created at `created_at`: its effect was undone, and the request is
/// decided again. Without a key it deletes nothing.
pub fn delete_unless_created_at(
    tx: &Tx,
    request: &IdempotentRequest,
    created_at: Option<Timestamp>,
) -> Result<(), db::Error> {
    let Some(key) = &request.key else { return Ok(()) };
    tx.prepare_cached(DELETE_UNLESS_CREATED_AT)?.execute((
        request.operation,
        &request.client,
        key.as_str(),
        &request.fingerprint,
        created_at,
    ))?;
    Ok(())
}

/// Deletes the stored responses of a client, whose account is deleted: they may have texts that the user has written.
pub fn erase_client(tx: &Tx, client: &impl ToString) -> Result<(), db::Error> {
    tx.prepare_cached("DELETE FROM idempotency WHERE client = ?")?
        .execute([client.to_string()])?;
    Ok(())
}

/// 422: the key was used for a request with another content.
pub fn key_reused() -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "idempotency-key-reused",
        "This key was used for another request",
    )
    .field(
        "Idempotency-Key",
        "was used for a request with other values: use a new key for a new request",
    )
}

/// Returns the job that purges the stored responses that are older than [`RETENTION`].
pub fn purge_job(db: &Db, clock: &Clock) -> Job {
    chassis::purge_job("purge stored responses", Duration::from_mins(10), db, clock, purge)
}

const FIND: &str =
    "SELECT fingerprint, status, headers, body FROM idempotency WHERE operation = ? AND client = ? AND key = ?";

const DELETE_UNLESS_CREATED_AT: &str = "DELETE FROM idempotency
     WHERE operation = ? AND client = ? AND key = ? AND fingerprint = ? AND created_at IS NOT ?";

/// Deletes the oldest responses that were created before a time.
const PURGE: &str = "DELETE FROM idempotency WHERE rowid IN
     (SELECT rowid FROM idempotency WHERE created_at < ? ORDER BY created_at LIMIT 1000)";

fn purge(tx: &Tx, now: Timestamp) -> Result<usize, db::Error> {
    Ok(tx.prepare_cached(PURGE)?.execute([now - RETENTION])?)
}

#[cfg(test)]
mod tests {
    #[test]
    fn responses_are_found_by_an_index_by_key_and_by_age() {
        let conn = rusqlite::Connection::open_in_memory().unwrap();
        conn.execute_batch(super::SCHEMA_V1).unwrap();
        conn.execute_batch(super::SCHEMA_V2).unwrap();
        conn.execute_batch(super::SCHEMA_V3).unwrap();
        for sql in [super::FIND, super::DELETE_UNLESS_CREATED_AT, super::PURGE] {
            let steps = db::query_plan(&conn, sql).unwrap();
            assert!(steps.iter().all(|step| !step.starts_with("SCAN")), "{steps:#?}");
        }
    }
}
