//! The HTTP request of a delivery.

use crate::{
    domain::WebhookEndpoint,
    error::StripeError,
    store::{Tx, deliveries::Delivery},
};

/// What one attempt needs.
pub(super) struct Message {
    pub(super) url: String,
    pub(super) secret: String,
    pub(super) payload: String,
}

/// Returns the message of a delivery; `None` if the endpoint is deleted or disabled.
pub(super) fn message(tx: &Tx<'_>, delivery: &Delivery) -> Result<Option<Message>, StripeError> {
    let Some(endpoint) = tx.find::<WebhookEndpoint>(&delivery.endpoint)? else {
        return Ok(None);
    };
    let (Some(secret), Some(payload)) = (endpoint.active_secret(tx)?, tx.body(&delivery.event)?) else {
        return Ok(None);
    };
    Ok(Some(Message {
        url: endpoint.url,
        secret,
        payload,
    }))
}
