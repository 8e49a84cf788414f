//! Which endpoint answers which request of `/v1`.

use poem::http::{Method, StatusCode};
use serde::Serialize;
use serde_json::Value;

use crate::{
    balance, charges, disputes, error::StripeError, events, expand::expand, form::Params, intents, methods, refunds,
    store::Tx, webhooks,
};

/// What an endpoint answers. A declined card is one too: what it changed is kept.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn ok(object: &impl Serialize) -> Result<Self, StripeError> {
        Ok(Self {
            status: StatusCode::OK,
            body: serde_json::to_value(object)?,
        })
    }
}

impl From<&StripeError> for Answer {
    fn from(error: &StripeError) -> Self {
        Self {
            status: error.status,
            body: error.to_json(),
        }
    }
}

/// Answers one request. An error leaves nothing changed, once its transaction is undone.
pub(crate) fn dispatch(tx: &Tx<'_>, method: &Method, path: &str, params: &Params) -> Result<Answer, StripeError> {
    let mut answer = route(tx, method, path, params)?;
    if answer.status.is_success() {
        expand(tx, &mut answer.body, params)?;
    }
    Ok(answer)
}

fn route(tx: &Tx<'_>, method: &Method, path: &str, params: &Params) -> Result<Answer, StripeError> {
    let segments: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
    match (method.as_str(), segments.as_slice()) {
        ("POST", ["payment_intents"]) => intents::create(tx, params),
        ("GET", ["payment_intents"]) => intents::list(tx, params),
        ("GET", ["payment_intents", id]) => intents::retrieve(tx, id, params),
        ("POST", ["payment_intents", id]) => intents::update(tx, id, params),
        ("POST", ["payment_intents", id, "confirm"]) => intents::confirm_existing(tx, id, params),
        ("POST", ["payment_intents", id, "capture"]) => intents::capture(tx, id, params),
        ("POST", ["payment_intents", id, "cancel"]) => intents::cancel(tx, id, params),

        ("POST", ["payment_methods"]) => methods::create(tx, params),
        ("GET", ["payment_methods", id]) => methods::retrieve(tx, id),

        ("GET", ["charges"]) => charges::list(tx, params),
        ("GET", ["charges", id]) => charges::retrieve(tx, id),

        ("POST", ["refunds"]) => refunds::create(tx, params),
        ("GET", ["refunds"]) => refunds::list(tx, params),
        ("GET", ["refunds", id]) => refunds::retrieve(tx, id),
        ("POST", ["refunds", id]) => refunds::update(tx, id, params),

        ("GET", ["disputes"]) => disputes::list(tx, params),
        ("GET", ["disputes", id]) => disputes::retrieve(tx, id),
        ("POST", ["disputes", id]) => disputes::update(tx, id, params),
        ("POST", ["disputes", id, "close"]) => disputes::close(tx, id, params),

        ("GET", ["balance_transactions"]) => balance::list(tx, params),
        ("GET", ["balance_transactions", id]) => balance::retrieve(tx, id),

        ("GET", ["events"]) => events::list(tx, params),
        ("GET", ["events", id]) => events::retrieve(tx, id),

        ("POST", ["webhook_endpoints"]) => webhooks::create(tx, params),
        ("GET", ["webhook_endpoints"]) => webhooks::list(tx, params),
        ("GET", ["webhook_endpoints", id]) => webhooks::retrieve(tx, id),
        ("POST", ["webhook_endpoints", id]) => webhooks::update(tx, id, params),
        ("DELETE", ["webhook_endpoints", id]) => webhooks::delete(tx, id),

        _ => Err(StripeError::no_such_route(method.as_str(), path)),
    }
}
