//! Events: each change with a snapshot of its object (<https://docs.stripe.com/api/events>).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::webhook_endpoint::subscribers;
use crate::{
    error::StripeError,
    id,
    store::{Object, Tx, deliveries},
};

/// The version of the API that the responses have; async-stripe is generated from the same version.
pub(crate) const API_VERSION: &str = "2026-09-30.endive";

/// A change of one object.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "object", rename = "event")]
pub(crate) struct Event {
    pub(crate) id: String,
    api_version: String,
    created: i64,
    data: Value,
    livemode: bool,
    pub(crate) pending_webhooks: i64,
    request: Value,
    #[serde(rename = "type")]
    pub(crate) kind: String,
}

impl Object for Event {
    const KIND: &'static str = "event";
    const NOUN: &'static str = "event";

    fn id(&self) -> &str {
        &self.id
    }
}

/// Stores an event and its deliveries, in the transaction of the change.
pub(crate) fn emit(tx: &Tx<'_>, kind: &str, object: &impl Object) -> Result<(), StripeError> {
    let id = id::new("evt")?;
    let endpoints = subscribers(tx, kind)?;
    let event = Event {
        id,
        api_version: API_VERSION.to_owned(),
        created: tx.now.seconds(),
        data: json!({ "object": serde_json::to_value(object)? }),
        livemode: false,
        pending_webhooks: i64::try_from(endpoints.len()).unwrap_or(i64::MAX),
        request: json!({ "id": tx.request.request_id, "idempotency_key": tx.request.idempotency_key }),
        kind: kind.to_owned(),
    };
    tx.save(&event)?;
    deliveries::enqueue(tx, &event.id, &endpoints)
}

/// Delivers an event again to its subscribers, like "Resend" in the dashboard. Returns the event.
pub(crate) fn resend(tx: &Tx<'_>, id: &str) -> Result<Event, StripeError> {
    let event: Event = tx.get_by_path(id, "id")?;
    deliveries::enqueue(tx, &event.id, &subscribers(tx, &event.kind)?)?;
    Ok(event)
}

/// Records that one endpoint has accepted the event.
pub(crate) fn mark_delivered(tx: &Tx<'_>, id: &str) -> Result<(), StripeError> {
    tx.count_down::<Event>(id, "$.pending_webhooks")
}
