//! `/v1/webhook_endpoints` (<https://docs.stripe.com/api/webhook_endpoints>).

use serde_json::{Value, json};

use super::Response;
use crate::{
    domain::WebhookEndpoint,
    error::StripeError,
    form::Params,
    id,
    store::{Object, Tx, deliveries},
};

/// Creates an endpoint. Only this response shows the signing secret.
pub(crate) fn create(tx: &Tx<'_>, params: &Params) -> Result<Response, StripeError> {
    params.reject_unknown(&[
        "url",
        "enabled_events",
        "description",
        "metadata",
        "api_version",
        "connect",
    ])?;
    let secret = format!("whsec_{}", id::random(32)?);
    let mut endpoint = WebhookEndpoint::new(id::new("we")?, tx.now.seconds());
    endpoint.set_api_version(params.text("api_version")?);
    params.required_text("url")?;
    if params.list("enabled_events")?.is_empty() {
        return Err(StripeError::missing("enabled_events"));
    }
    endpoint.change(params)?;
    endpoint.save(tx, &secret)?;
    let mut shown = serde_json::to_value(&endpoint)?;
    shown["secret"] = Value::String(secret);
    Response::ok(&shown)
}

pub(crate) fn retrieve(tx: &Tx<'_>, id: &str) -> Result<Response, StripeError> {
    Response::ok(&tx.get_by_path::<WebhookEndpoint>(id, "id")?)
}

pub(crate) fn list(tx: &Tx<'_>, params: &Params) -> Result<Response, StripeError> {
    params.reject_unknown(&["limit", "starting_after", "ending_before"])?;
    Response::ok(&tx.list::<WebhookEndpoint>("/v1/webhook_endpoints", params, &[])?)
}

pub(crate) fn update(tx: &Tx<'_>, id: &str, params: &Params) -> Result<Response, StripeError> {
    params.reject_unknown(&["url", "enabled_events", "description", "metadata", "disabled"])?;
    let mut endpoint: WebhookEndpoint = tx.get_by_path(id, "id")?;
    endpoint.change(params)?;
    tx.save(&endpoint)?;
    Response::ok(&endpoint)
}

pub(crate) fn delete(tx: &Tx<'_>, id: &str) -> Result<Response, StripeError> {
    let endpoint: WebhookEndpoint = tx.get_by_path(id, "id")?;
    tx.delete(endpoint.id())?;
    deliveries::delete_of_endpoint(tx, endpoint.id())?;
    Response::ok(&json!({ "id": endpoint.id(), "object": WebhookEndpoint::KIND, "deleted": true }))
}
