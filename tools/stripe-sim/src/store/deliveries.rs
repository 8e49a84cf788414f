//! The deliveries of events to webhook endpoints.

use rusqlite::params;

use super::Tx;
use crate::error::StripeError;

/// The delivery of one event to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Delivery {
    /// Counts up: a later delivery has a greater one.
    pub(crate) id: i64,
    pub(crate) event: String,
    /// The type of the event.
    pub(crate) kind: String,
    pub(crate) endpoint: String,
}

/// The state of a delivery after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeliveryState {
    Pending,
    Delivered,
    Failed,
}

impl DeliveryState {
    fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

/// Adds a delivery of an event to each of the endpoints.
pub(crate) fn enqueue(tx: &Tx<'_>, event: &str, endpoints: &[String]) -> Result<(), StripeError> {
    for endpoint in endpoints {
        tx.sql
            .prepare_cached("INSERT INTO delivery (event, endpoint) VALUES (?1, ?2)")?
            .execute(params![event, endpoint])?;
    }
    Ok(())
}

/// Returns the pending deliveries after the one with the id `after`, oldest first.
pub(crate) fn pending(tx: &Tx<'_>, after: i64) -> Result<Vec<Delivery>, StripeError> {
    let mut query = tx.sql.prepare_cached(
        "SELECT delivery.id, event, endpoint, body ->> '$.type' FROM delivery JOIN object ON object.id = event
             WHERE state = 'pending' AND delivery.id > ?1 ORDER BY delivery.id",
    )?;
    let rows = query.query_map([after], |row| {
        Ok(Delivery {
            id: row.get(0)?,
            event: row.get(1)?,
            endpoint: row.get(2)?,
            kind: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Records an attempt and the state after it.
pub(crate) fn record_attempt(tx: &Tx<'_>, delivery: &Delivery, state: DeliveryState) -> Result<(), StripeError> {
    tx.sql
        .prepare_cached("UPDATE delivery SET attempts = attempts + 1, state = ?2 WHERE id = ?1")?
        .execute(params![delivery.id, state.as_str()])?;
    Ok(())
}

/// Deletes the deliveries of an endpoint.
pub(crate) fn delete_of_endpoint(tx: &Tx<'_>, endpoint: &str) -> Result<(), StripeError> {
    tx.sql.execute("DELETE FROM delivery WHERE endpoint = ?1", [endpoint])?;
    Ok(())
}
