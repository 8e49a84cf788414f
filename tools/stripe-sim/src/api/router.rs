//! Maps a request of `/v1` to its handler.

use poem::http::Method;

use super::{
    Response, balance_transactions, charges, disputes, events, expand::expand, payment_intents, payment_methods,
    refunds, webhook_endpoints,
};
use crate::{error::StripeError, form::Params, store::Tx};

/// Handles one request. On an error the caller rolls the transaction back.
pub(crate) fn dispatch(tx: &Tx<'_>, method: &Method, path: &str, params: &Params) -> Result<Response, StripeError> {
    let mut response = route(tx, method, path, params)?;
    if response.status.is_success() {
        expand(tx, &mut response.body, params)?;
    }
    Ok(response)
}

fn route(tx: &Tx<'_>, method: &Method, path: &str, params: &Params) -> Result<Response, StripeError> {
    let segments: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
    match (method.as_str(), segments.as_slice()) {
        ("POST", ["payment_intents"]) => payment_intents::create(tx, params),
        ("GET", ["payment_intents"]) => payment_intents::list(tx, params),
        ("GET", ["payment_intents", "search"]) => payment_intents::search(tx, params),
        ("GET", ["payment_intents", id]) => payment_intents::retrieve(tx, id, params),
        ("POST", ["payment_intents", id]) => payment_intents::update(tx, id, params),
        ("POST", ["payment_intents", id, "confirm"]) => payment_intents::confirm(tx, id, params),
        ("POST", ["payment_intents", id, "capture"]) => payment_intents::capture(tx, id, params),
        ("POST", ["payment_intents", id, "cancel"]) => payment_intents::cancel(tx, id, params),

        ("POST", ["payment_methods"]) => payment_methods::create(tx, params),
        ("GET", ["payment_methods", id]) => payment_methods::retrieve(tx, id),

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

        ("GET", ["balance_transactions"]) => balance_transactions::list(tx, params),
        ("GET", ["balance_transactions", id]) => balance_transactions::retrieve(tx, id),

        ("GET", ["events"]) => events::list(tx, params),
        ("GET", ["events", id]) => events::retrieve(tx, id),

        ("POST", ["webhook_endpoints"]) => webhook_endpoints::create(tx, params),
        ("GET", ["webhook_endpoints"]) => webhook_endpoints::list(tx, params),
        ("GET", ["webhook_endpoints", id]) => webhook_endpoints::retrieve(tx, id),
        ("POST", ["webhook_endpoints", id]) => webhook_endpoints::update(tx, id, params),
        ("DELETE", ["webhook_endpoints", id]) => webhook_endpoints::delete(tx, id),

        _ => Err(StripeError::no_such_route(method.as_str(), path)),
    }
}
