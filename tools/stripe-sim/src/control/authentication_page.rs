//! The page on which the cardholder passes or fails 3-D Secure: in the browser's window, from which it redirects to the
//! shop, or in a frame of the script, which it notifies.

use std::sync::Arc;

use poem::{
    Response,
    http::{Method, StatusCode, header},
};
use serde_json::Value;
use url::Url;

use crate::{
    domain::{PaymentIntent, confirmation, currency},
    error::StripeError,
    form::Params,
    state::SimState,
};

/// The policy of the page. Without `form-action`, because that of some browsers also covers the redirect to the shop.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; base-uri 'none'";

/// Shows the page, or records its outcome and redirects the browser to the shop.
pub(crate) async fn respond(
    state: &Arc<SimState>,
    method: &Method,
    secret: String,
    params: &Params,
) -> Result<Response, StripeError> {
    let texts = match params.text("locale")? {
        Some("de") => &GERMAN,
        _ => &ENGLISH,
    };
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
            // The order may have ended meanwhile, or a second window was faster.
            if !intent.requires_action() {
                return Ok(decided(texts));
            }
            let Some(passed) = passed else {
                return Ok(outcome_form(&intent, texts));
            };
            let redirect = return_url(&intent, passed);
            confirmation::complete_authentication(tx, intent, passed)?;
            Ok(match redirect {
                Some(url) => Response::builder()
                    .status(StatusCode::SEE_OTHER)
                    .header(header::LOCATION, url.as_str())
                    .finish(),
                None => decided(texts),
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

/// The texts of the page in one language.
struct Texts {
    language: &'static str,
    title: &'static str,
    question: &'static str,
    note: &'static str,
    pass: &'static str,
    fail: &'static str,
    decided: &'static str,
}

static ENGLISH: Texts = Texts {
    language: "en",
    title: "3-D Secure",
    question: "Your bank asks you to approve this payment:",
    note: "This is the page of a test bank. No money moves.",
    pass: "Approve",
    fail: "Refuse",
    decided: "Done. You can close this page.",
};

static GERMAN: Texts = Texts {
    language: "de",
    title: "3-D Secure",
    question: "Ihre Bank bittet Sie, diese Zahlung zu bestätigen:",
    note: "Dies ist die Seite einer Testbank. Es fließt kein Geld.",
    pass: "Bestätigen",
    fail: "Ablehnen",
    decided: "Erledigt. Sie können diese Seite schließen.",
};

/// Returns the form of the page. Its only input is an amount.
fn outcome_form(intent: &PaymentIntent, texts: &Texts) -> Response {
    let amount = currency::display(intent.amount, &intent.currency);
    let Texts {
        language,
        title,
        question,
        note,
        pass,
        fail,
        ..
    } = texts;
    page(
        texts,
        "asked",
        &format!(
            "<h1>{title}</h1><p>{question}</p><p class=amount>{amount}</p><p class=note>{note}</p><form method=post>\
             <input type=hidden name=locale value={language}><button name=outcome value=pass>{pass}</button><button name=outcome value=fail>{fail}</button></form>"
        ),
    )
}

fn decided(texts: &Texts) -> Response {
    page(texts, "decided", &format!("<p>{}</p>", texts.decided))
}

fn page(texts: &Texts, state: &str, body: &str) -> Response {
    let Texts { language, title, .. } = texts;
    Response::builder()
        .content_type("text/html; charset=utf-8")
        .header(header::CACHE_CONTROL, "no-store")
        .header(header::CONTENT_SECURITY_POLICY, POLICY)
        .header(header::REFERRER_POLICY, "no-referrer")
        .body(format!(
            "<!doctype html><html lang={language} data-state={state}><head><meta charset=utf-8>\
             <meta name=viewport content=\"width=device-width, initial-scale=1\"><title>{title}</title>\
             <link rel=stylesheet href=/v3/authentication.css></head><body><main>{body}</main>\
             <script src=/v3/authentication.js></script></body></html>"
        ))
}
