//! `Idempotency-Key`: a repeated request gets the stored response of the first one, byte for byte.
//!
//! The response is stored in the transaction of its effect, so neither exists without the other, even if the process
//! dies ([draft-ietf-httpapi-idempotency-key-header]). A refusal inside that transaction (a sold-out listing) is stored
//! too. A refusal before it (a malformed body) is not: it is refused again. Server errors are never stored, nor is 404:
//! the resource may not be replicated yet.
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

pub use key::{IdempotencyKey, IdempotentRequest, MalformedKey};
pub use stored_response::StoredResponse;

/// The migration that creates the table; a service lists it among its own.
pub const SCHEMA_V1: &str = include_str!("v1.sql");

/// How long a response is stored. A request that is repeated later is a new one.
pub const RETENTION: Duration = Duration::from_hours(24);

/// Runs `work` once for a request and returns its stored response from then on.
///
/// Without a key it always runs. The same key with another content is refused with 422.
pub fn run_once<R: IntoResponse>(
    tx: &Tx,
    now: Timestamp,
    request: &IdempotentRequest,
    work: impl FnOnce(&Tx) -> Result<R, Problem>,
) -> Result<StoredResponse<R>, Problem> {
    if let Some(stored) = replay(tx, request)? {
        return Ok(stored);
    }
    // The effects of a refused attempt are rolled back; the refusal is stored.
    let response = match tx.attempt(work)? {
        Ok(response) => StoredResponse::render(response),
        Err(problem) if request.key.is_none() || !is_storable(&problem) => return Err(problem),
        Err(problem) => StoredResponse::render(problem),
    };
    store(tx, now, request, &response)?;
    Ok(response)
}

/// Whether a refusal is final. One that is not may be another outcome next time.
pub fn is_storable(problem: &Problem) -> bool {
    !problem.status().is_server_error() && problem.status() != StatusCode::NOT_FOUND
}

/// Returns the stored response of a request, if there is one.
pub fn replay<R>(tx: &Tx, request: &IdempotentRequest) -> Result<Option<StoredResponse<R>>, Problem> {
    let Some(key) = &request.key else { return Ok(None) };
    let stored = tx
        .prepare_cached(
            "SELECT fingerprint, status, headers, body FROM idempotency WHERE operation = ? AND client = ? AND key = ?",
        )
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
    let Some(key) = &request.key else { return Ok(()) };
    let (status, headers, body) = response.parts();
    tx.prepare_cached(
        "INSERT INTO idempotency (operation, client, key, fingerprint, status, headers, body, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
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
    ))?;
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

fn purge(tx: &Tx, now: Timestamp) -> Result<usize, db::Error> {
    let purged = tx
        .prepare_cached(
            "DELETE FROM idempotency WHERE (operation, client, key) IN
             (SELECT operation, client, key FROM idempotency WHERE created_at < ? ORDER BY created_at LIMIT 1000)",
        )?
        .execute([now - RETENTION])?;
    Ok(purged)
}
