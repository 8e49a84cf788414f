//! The page on which the cardholder passes or fails 3-D Secure.

use std::sync::Arc;

use poem::{
    Response,
    http::{Method, StatusCode, header},
};
use serde_json::Value;
use url::Url;

use crate::{
    domain::{PaymentIntent, confirmation},
    error::StripeError,
    form::Params,
    state::SimState,
};

/// Shows the page, or records its outcome and redirects the browser to the shop.
pub(crate) async fn respond(
    state: &Arc<SimState>,
    method: &Method,
    secret: String,
    params: &Params,
) -> Result<Response, StripeError> {
    let passed = match (method, params.choice("outcome", &["pass", "fail"])?) {
        (&Method::POST, Some(outcome)) => Some(outcome == "pass"),
        (&Method::POST, None) => return Err(StripeError::missing("outcome")),
        _ => None,
    };
    state
        .transaction(move |tx| {
            let id = secret.split("_secret_").next().unwrap_or_default();
            let intent: PaymentIntent = tx.get_by_path(id, "intent")?;
            if intent.client_secret != secret {
                return Err(StripeError::no_such("payment_intent", id, "intent").with_status(StatusCode::NOT_FOUND));
            }
            let Some(passed) = passed else {
                return Ok(html(&outcome_form(&intent)));
            };
            let redirect = return_url(&intent, passed);
            confirmation::complete_authentication(tx, intent, passed)?;
            Ok(match redirect {
                Some(url) => Response::builder()
                    .status(StatusCode::SEE_OTHER)
                    .header(header::LOCATION, url.as_str())
                    .finish(),
                None => html("<p>Done. You can close this page.</p>"),
            })
        })
        .await
}

/// Returns the return URL of the shop with the parameters that Stripe appends.
fn return_url(intent: &PaymentIntent, passed: bool) -> Option<Url> {
    let action = intent.next_action.as_ref()?;
    let mut url: Url = action
        .pointer("/redirect_to_url/return_url")
        .and_then(Value::as_str)?
        .parse()
        .ok()?;
    url.query_pairs_mut()
        .append_pair("payment_intent", &intent.id)
        .append_pair("payment_intent_client_secret", &intent.client_secret)
        .append_pair("redirect_status", if passed { "succeeded" } else { "failed" });
    Some(url)
}

/// Returns the form of the page. Its only input is a number and a currency code.
fn outcome_form(intent: &PaymentIntent) -> String {
    format!(
        "<h1>3-D Secure</h1><p>Pay {} {} (minor units)?</p><form method=post>\
         <button name=outcome value=pass>Complete</button> <button name=outcome value=fail>Fail</button></form>",
        intent.amount, intent.currency
    )
}

fn html(body: &str) -> Response {
    Response::builder()
        .content_type("text/html; charset=utf-8")
        .body(format!(
            "<!doctype html><html lang=en><meta charset=utf-8><title>Stripe simulator</title>{body}</html>"
        ))
}
