//! `/v1/events`: what happened, each with the object as it was then (<https://docs.stripe.com/api/events>).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    error::StripeError,
    form::Params,
    id,
    routes::Answer,
    store::{Object, Tx},
    webhooks,
};

/// The version whose shapes the double shows; async-stripe is generated from the same.
pub(crate) const API_VERSION: &str = "2026-09-30.endive";

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

/// Records an event, and who is to be told, in the transaction of the change itself.
pub(crate) fn emit(tx: &Tx<'_>, kind: &str, object: &impl Object) -> Result<(), StripeError> {
    let id = id::new("evt")?;
    let listeners = webhooks::listeners(tx, kind)?;
    let event = Event {
        id,
        api_version: API_VERSION.to_owned(),
        created: tx.now.seconds(),
        data: json!({ "object": serde_json::to_value(object)? }),
        livemode: false,
        pending_webhooks: i64::try_from(listeners.len()).unwrap_or(i64::MAX),
        request: json!({ "id": tx.origin.request_id, "idempotency_key": tx.origin.idempotency_key }),
        kind: kind.to_owned(),
    };
    tx.save(&event)?;
    webhooks::enqueue(tx, &event.id, &listeners)
}

pub(crate) fn retrieve(tx: &Tx<'_>, id: &str) -> Result<Answer, StripeError> {
    Answer::ok(&tx.get_by_path::<Event>(id, "id")?)
}

pub(crate) fn list(tx: &Tx<'_>, params: &Params) -> Result<Answer, StripeError> {
    params.only(&["limit", "starting_after", "ending_before", "created", "type"])?;
    Answer::ok(&tx.list::<Event>("/v1/events", params, &["type"])?)
}
