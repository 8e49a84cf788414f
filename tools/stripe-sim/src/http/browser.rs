//! The requests of a buyer's browser, with the publishable key and an intent's client secret, and the fields that it
//! can read, as for Stripe.js (<https://docs.stripe.com/keys>, <https://docs.stripe.com/api/payment_intents/object>).

use poem::http::Method;
use serde_json::Value;

use crate::{domain::PaymentIntent, error::StripeError, form::Params};

/// Fails unless the publishable key allows this request.
pub(crate) fn check_access(method: &Method, path: &str, params: &Params) -> Result<(), StripeError> {
    let segments: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
    match (method.as_str(), segments.as_slice()) {
        ("GET", ["payment_intents", _]) | ("POST", ["payment_intents", _, "confirm"]) => {
            params.required_text("client_secret").map(|_| ())
        }
        ("POST", ["payment_methods"]) => Ok(()),
        _ => Err(StripeError::secret_key_required()),
    }
}

/// Fails if the request has a client secret other than that of the intent.
pub(crate) fn check_client_secret(intent: &PaymentIntent, params: &Params) -> Result<(), StripeError> {
    match params.text("client_secret")? {
        Some(secret) if secret != intent.client_secret => Err(StripeError::invalid(
            "client_secret",
            "The client_secret provided does not match the client_secret associated with this PaymentIntent."
                .to_owned(),
        )),
        _ => Ok(()),
    }
}

/// The fields of an intent that a browser can read.
const VISIBLE_FIELDS: [&str; 25] = [
    "id",
    "object",
    "allowed_payment_method_types",
    "amount",
    "amount_details",
    "automatic_payment_methods",
    "canceled_at",
    "cancellation_reason",
    "capture_method",
    "client_secret",
    "confirmation_method",
    "created",
    "currency",
    "description",
    "last_payment_error",
    "livemode",
    "next_action",
    "payment_method",
    "payment_method_configuration_details",
    "payment_method_types",
    "processing",
    "receipt_email",
    "setup_future_usage",
    "shipping",
    "status",
];

/// Removes the fields that a browser cannot read from the intent, or from the intent in an error.
pub(crate) fn redact(body: &mut Value) {
    let intent = if body["object"] == "payment_intent" {
        Some(body)
    } else {
        body.pointer_mut("/error/payment_intent")
    };
    if let Some(fields) = intent.and_then(Value::as_object_mut) {
        fields.retain(|name, _| VISIBLE_FIELDS.contains(&name.as_str()));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_browser_sees_neither_metadata_nor_charges_not_even_in_an_error() {
        let intent = json!({ "id": "pi_1", "object": "payment_intent", "metadata": {}, "latest_charge": "ch_1" });
        let mut error = json!({ "error": { "type": "card_error", "payment_intent": intent } });
        let mut body = intent;
        redact(&mut body);
        redact(&mut error);
        assert_eq!(body, json!({ "id": "pi_1", "object": "payment_intent" }));
        assert_eq!(error["error"]["payment_intent"], body);
    }
}
