//! The journal of every request under `/v1`, for assertions such as "charged exactly once". It contains no secrets.

use rusqlite::params;
use serde::Serialize;
use values::Timestamp;

use super::Tx;
use crate::error::StripeError;

/// The number of requests that the journal keeps, the newest ones.
const MAX_ENTRIES: i64 = 10_000;

/// One request and its response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordedRequest {
    /// The `Request-Id` of the response.
    pub request_id: String,
    /// The time of the response.
    #[serde(serialize_with = "as_millis")]
    pub at: Timestamp,
    /// The HTTP method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// The status of the response; `None` if the connection was cut before there was one. A fault after the effect
    /// (see `fault`) may have replaced the response that the client got.
    pub status: Option<u16>,
    /// Whether the handler ran. It did not for a replay, nor for a request that a fault ended before its effect.
    pub executed: bool,
    /// The fault that was applied, such as `after: cut`.
    pub fault: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn as_millis<S: serde::Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(at.millis())
}

/// Appends a request, and deletes the oldest beyond the limit.
pub(crate) fn append(tx: &Tx<'_>, request: &RecordedRequest) -> Result<(), StripeError> {
    tx.sql
        .prepare_cached(
            "INSERT INTO journal (request_id, at, method, path, idempotency_key, status, executed, fault)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            request.request_id,
            request.at,
            request.method,
            request.path,
            request.idempotency_key,
            request.status,
            request.executed,
            request.fault,
        ])?;
    let oldest = tx.sql.last_insert_rowid() - MAX_ENTRIES;
    tx.sql
        .prepare_cached("DELETE FROM journal WHERE seq <= ?1")?
        .execute([oldest])?;
    Ok(())
}

/// Returns all requests, oldest first.
pub(crate) fn all(tx: &Tx<'_>) -> Result<Vec<RecordedRequest>, StripeError> {
    let mut query = tx.sql.prepare_cached(
        "SELECT request_id, at, method, path, idempotency_key, status, executed, fault FROM journal ORDER BY seq",
    )?;
    let rows = query.query_map([], |row| {
        Ok(RecordedRequest {
            request_id: row.get(0)?,
            at: row.get(1)?,
            method: row.get(2)?,
            path: row.get(3)?,
            idempotency_key: row.get(4)?,
            status: row.get(5)?,
            executed: row.get(6)?,
            fault: row.get(7)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
