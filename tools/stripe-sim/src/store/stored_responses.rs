//! The response to the first request of each idempotency key (<https://docs.stripe.com/api/idempotent_requests>).

use std::time::Duration;

use rusqlite::{OptionalExtension, params};

use super::Tx;
use crate::error::StripeError;

/// The time for which a response is stored. Stripe may delete a key after a day; the simulator always does, so that
/// clients do not depend on more.
const RETENTION: Duration = Duration::from_hours(24);

/// The response to an earlier request with the same key.
pub(crate) struct StoredResponse {
    pub(crate) status: u16,
    pub(crate) body: String,
    /// The request that got this response first.
    pub(crate) request_id: String,
}

/// One idempotency key, and what it was first used for: the path and the fingerprint of the parameters.
#[derive(Clone, Copy)]
pub(crate) struct KeyUse<'k> {
    pub(crate) key: &'k str,
    pub(crate) endpoint: &'k str,
    pub(crate) parameters: &'k str,
}

/// Returns the stored response of a key. Fails if the key was used for another endpoint or with other parameters.
pub(crate) fn find(tx: &Tx<'_>, used: KeyUse<'_>) -> Result<Option<StoredResponse>, StripeError> {
    let KeyUse {
        key,
        endpoint,
        parameters,
    } = used;
    let expired_before = (tx.now - RETENTION).millis();
    tx.sql
        .prepare_cached("DELETE FROM idempotency WHERE key = ?1 AND created < ?2")?
        .execute(params![key, expired_before])?;
    let row = tx
        .sql
        .prepare_cached("SELECT endpoint, parameters, request_id, status, body FROM idempotency WHERE key = ?1")?
        .query_row([key], |row| {
            let response = StoredResponse {
                request_id: row.get(2)?,
                status: row.get(3)?,
                body: row.get(4)?,
            };
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, response))
        })
        .optional()?;
    let Some((first_endpoint, first_parameters, response)) = row else {
        return Ok(None);
    };
    if first_endpoint != endpoint {
        return Err(StripeError::key_of_other_endpoint(key, &first_endpoint, endpoint));
    }
    if first_parameters != parameters {
        return Err(StripeError::key_of_other_parameters(key));
    }
    Ok(Some(response))
}

/// Stores the response to the first request of a key.
pub(crate) fn insert(tx: &Tx<'_>, used: KeyUse<'_>, status: u16, body: &str) -> Result<(), StripeError> {
    tx.sql
        .prepare_cached(
            "INSERT INTO idempotency (key, endpoint, parameters, request_id, status, body, created)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            used.key,
            used.endpoint,
            used.parameters,
            tx.request.request_id,
            status,
            body,
            tx.now.millis(),
        ])?;
    Ok(())
}
