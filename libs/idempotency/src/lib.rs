//! `Idempotency-Key`: a request that is sent again gets the answer that it got before, byte for byte.
//!
//! The answer is stored in the transaction of its effect, so there is never the one without the other, also when the
//! process dies between the two ([draft-ietf-httpapi-idempotency-key-header]). What was refused inside that transaction
//! (a sold-out listing) is answered again too; what was refused before it (a malformed body) simply is refused again;
//! what failed on our side is never stored, nor is what was not found: it may not have arrived yet.
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

pub use key::{Key, MalformedKey, Request};
pub use stored_response::StoredResponse;

/// The table, to be listed among a service's migrations.
pub const SCHEMA_V1: &str = include_str!("v1.sql");

/// How long an answer is kept. A client that tries again later is a new client.
pub const RETENTION: Duration = Duration::from_hours(24);

/// Does the work once for this request, and answers what it answered then ever after.
///
/// Without a key the work is simply done. The same key with another body is refused with 422.
pub fn once<R: IntoResponse>(
    tx: &Tx,
    now: Timestamp,
    request: &Request,
    work: impl FnOnce(&Tx) -> Result<R, Problem>,
) -> Result<StoredResponse<R>, Problem> {
    if let Some(answer) = replay(tx, request)? {
        return Ok(answer);
    }
    // What a refusal has done so far is undone, and the refusal is kept.
    let answer = match tx.attempt(work)? {
        Ok(response) => StoredResponse::render(response),
        Err(problem) if request.key.is_none() || !is_storable(&problem) => return Err(problem),
        Err(problem) => StoredResponse::render(problem),
    };
    store(tx, now, request, &answer)?;
    Ok(answer)
}

/// Whether a refusal is the answer for ever, or may be another one the next time.
pub fn is_storable(problem: &Problem) -> bool {
    !problem.status().is_server_error() && problem.status() != StatusCode::NOT_FOUND
}

/// The answer that this request got before, if it did.
pub fn replay<R>(tx: &Tx, request: &Request) -> Result<Option<StoredResponse<R>>, Problem> {
    let Some(key) = &request.key else { return Ok(None) };
    let stored = tx
        .prepare_cached(
            "SELECT fingerprint, status, headers, body FROM idempotency WHERE operation = ? AND client = ? AND key = ?",
        )
        .and_then(|mut found| {
            found
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
        Some(_) => Err(reused()),
    }
}

/// Keeps an answer for [`replay`]; without a key there is nothing to keep.
pub fn store<R>(tx: &Tx, now: Timestamp, request: &Request, answer: &StoredResponse<R>) -> Result<(), db::Error> {
    let Some(key) = &request.key else { return Ok(()) };
    let (status, headers, body) = answer.parts();
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

/// 422: this key came before, with another body.
pub fn reused() -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "idempotency-key-reused",
        "This key was used for another request",
    )
    .field(
        "Idempotency-Key",
        "came before with another body: use a new key for a new request",
    )
}

/// The job that forgets the answers that are older than [`RETENTION`].
pub fn purge_job(db: &Db, clock: &Clock) -> Job {
    let (db, clock) = (db.clone(), clock.clone());
    Job::every(Duration::from_mins(10), "forget old answers", move || {
        let (db, before) = (db.clone(), clock.now() - RETENTION);
        async move {
            // A bounded number at a time, so that nobody waits long for the writer.
            loop {
                match db.write(move |tx| forget(tx, before)).await {
                    Ok(0) => break,
                    Ok(_) => {}
                    Err(error) => {
                        tracing::warn!(%error, "old answers could not be forgotten");
                        break;
                    }
                }
            }
        }
    })
}

fn forget(tx: &Tx, before: Timestamp) -> Result<usize, db::Error> {
    let forgotten = tx
        .prepare_cached(
            "DELETE FROM idempotency WHERE (operation, client, key) IN
             (SELECT operation, client, key FROM idempotency WHERE created_at < ? ORDER BY created_at LIMIT 1000)",
        )?
        .execute([before])?;
    Ok(forgotten)
}
