//! Idempotency keys as Stripe keeps them (<https://docs.stripe.com/api/idempotent_requests>).

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use poem::http::StatusCode;
use rusqlite::{OptionalExtension, params};
use serde_json::Value;

use crate::{error::StripeError, routes::Answer, store::Tx};

/// Stripe may forget a key once it is a day old; the double does, so that nobody relies on more.
const KEPT_FOR: Duration = Duration::from_hours(24);

/// An answer that was given before.
pub(crate) struct Kept {
    pub(crate) answer: Answer,
    /// The request that was answered first.
    pub(crate) request_id: String,
}

/// What was answered under `key`, if it was used for this endpoint with these parameters.
pub(crate) fn recall(tx: &Tx<'_>, key: &str, endpoint: &str, parameters: &str) -> Result<Option<Kept>, StripeError> {
    let forgotten = (tx.now - KEPT_FOR).millis();
    tx.sql
        .prepare_cached("DELETE FROM idempotency WHERE key = ?1 AND created < ?2")?
        .execute(params![key, forgotten])?;
    let row = tx
        .sql
        .prepare_cached("SELECT endpoint, parameters, request_id, status, body FROM idempotency WHERE key = ?1")?
        .query_row([key], |row| {
            let (endpoint, parameters): (String, String) = (row.get(0)?, row.get(1)?);
            let (request_id, status, body): (String, u16, String) = (row.get(2)?, row.get(3)?, row.get(4)?);
            Ok((endpoint, parameters, request_id, status, body))
        })
        .optional()?;
    let Some((first_endpoint, first_parameters, request_id, status, body)) = row else {
        return Ok(None);
    };
    if first_endpoint != endpoint {
        return Err(StripeError::key_of_other_endpoint(key, &first_endpoint, endpoint));
    }
    if first_parameters != parameters {
        return Err(StripeError::key_of_other_parameters(key));
    }
    let status = StatusCode::from_u16(status).map_err(StripeError::internal)?;
    let body: Value = serde_json::from_str(&body)?;
    Ok(Some(Kept {
        answer: Answer { status, body },
        request_id,
    }))
}

/// Keeps an answer in the transaction of its effect.
pub(crate) fn keep(
    tx: &Tx<'_>,
    key: &str,
    endpoint: &str,
    parameters: &str,
    answer: &Answer,
) -> Result<(), StripeError> {
    tx.sql
        .prepare_cached(
            "INSERT INTO idempotency (key, endpoint, parameters, request_id, status, body, created)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            key,
            endpoint,
            parameters,
            tx.origin.request_id,
            answer.status.as_u16(),
            answer.body.to_string(),
            tx.now.millis(),
        ])?;
    Ok(())
}

/// The keys whose first request is still being answered.
#[derive(Clone, Default)]
pub(crate) struct InUse(Arc<Mutex<HashSet<String>>>);

impl InUse {
    /// Claims a key until the claim is dropped; `None` if another request has it.
    pub(crate) fn claim(&self, key: &str) -> Option<Claim> {
        self.keys().insert(key.to_owned()).then(|| Claim {
            keys: self.clone(),
            key: key.to_owned(),
        })
    }

    fn keys(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A key that one request has for itself.
pub(crate) struct Claim {
    keys: InUse,
    key: String,
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.keys.keys().remove(&self.key);
    }
}
