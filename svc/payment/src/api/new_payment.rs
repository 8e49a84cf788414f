//! A request to pay an order.

use std::fmt::Display;

use input::{CanonicalText, Text, TextRule};
use serde_json::Value;
use values::OrderId;

use crate::domain::CardToken;

input::object! {
    /// A request to pay an order.
    pub(super) struct NewPayment {
        /// The order. The payment covers its total.
        pub(super) order_id as "orderId": OrderId,
        /// The card: a token (`tok_…`) or a payment method (`pm_…`) of Stripe. Without it, the buyer enters a card in the
        /// browser, with Stripe's Payment Element and the response's `clientSecret`. For a free order it is ignored: neither
        /// stored nor sent to Stripe.
        pub(super) token as "token": Option<Text<Card>>,
        /// Where the bank's page redirects the buyer after authentication: `https`, or `http` on this machine. Only together
        /// with a `token`; in a browser, pass it to Stripe.js.
        pub(super) return_url as "returnUrl": Option<Text<ReturnUrl>>,
    }
    example: {"orderId": "01936f5e-8c1a-7c3e-9d2b-4f6a8b0c2d4e", "token": "tok_visa"}
}

impl NewPayment {
    /// Returns what the request is compared by. A field that is `null` is left out.
    pub(super) fn content(&self) -> Value {
        let mut content = serde_json::json!(self);
        if let Some(fields) = content.as_object_mut() {
            fields.retain(|_, value| !value.is_null());
        }
        content
    }
}

#[derive(Clone)]
pub(super) struct Card;

impl TextRule for Card {
    type Value = CardToken;
    const MAX_CHARS: usize = CardToken::MAX_LENGTH;
    const PATTERN: Option<&'static str> = Some("^(tok|pm)_[A-Za-z0-9_]+$");

    fn parse(text: String) -> Result<CardToken, impl Display> {
        text.parse::<CardToken>()
    }
}

impl CanonicalText for Card {
    fn canonical(value: &CardToken) -> Option<&str> {
        Some(value.as_str())
    }
}

#[derive(Clone)]
pub(super) struct ReturnUrl;

impl TextRule for ReturnUrl {
    type Value = String;
    const MAX_CHARS: usize = 2048;
    const PATTERN: Option<&'static str> =
        Some(r"^(https://[^/?#\\]|http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?([/?#]|$))[!-~]*$");
    const FORMAT: Option<&'static str> = Some("uri");

    /// Accepts https, and http on this machine.
    fn parse(text: String) -> Result<String, impl Display> {
        const INVALID: &str = "must be an address such as https://shop.example/paid";
        // The parser forgives white space, missing slashes and more.
        let is_exact = text.bytes().all(|byte| byte.is_ascii_graphic()) && (is_secure(&text) || is_local(&text));
        let is_url = is_exact && url::Url::parse(&text).is_ok();
        is_url.then_some(text).ok_or(INVALID)
    }
}

fn is_secure(url: &str) -> bool {
    url.strip_prefix("https://")
        .is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', '#', '\\']))
}

fn is_local(url: &str) -> bool {
    let hosts = ["localhost", "127.0.0.1", "[::1]"];
    let rest = url.strip_prefix("http://");
    let Some(rest) = rest.and_then(|rest| hosts.iter().find_map(|host| rest.strip_prefix(host))) else {
        return false;
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].strip_prefix(':') {
        Some(port) => !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()),
        None => end == 0,
    }
}

impl CanonicalText for ReturnUrl {
    fn canonical(value: &String) -> Option<&str> {
        Some(value)
    }
}
