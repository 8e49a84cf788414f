//! A request to pay an order.

use std::{fmt::Display, sync::LazyLock};

use input::{CanonicalText, Text, TextRule};
use regex::Regex;
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
    check(return_url, token): check_return_url(return_url.as_ref(), token.as_ref()),
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

/// In a browser, Stripe.js has the address.
fn check_return_url(return_url: Option<&Text<ReturnUrl>>, token: Option<&Text<Card>>) -> Result<(), &'static str> {
    if return_url.is_some() && token.is_none() {
        return Err("needs a token; in a browser, pass it to Stripe.js");
    }
    Ok(())
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

/// A pattern of a number of an IPv4 address.
macro_rules! byte {
    () => {
        "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
    };
}

#[derive(Clone)]
pub(super) struct ReturnUrl;

impl TextRule for ReturnUrl {
    type Value = String;
    const MAX_CHARS: usize = 2048;
    const PATTERN: Option<&'static str> = Some(RETURN_URL);
    const FORMAT: Option<&'static str> = Some("uri");

    fn parse(text: String) -> Result<String, impl Display> {
        static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(RETURN_URL).ok());
        let is_valid = PATTERN.as_ref().is_some_and(|pattern| pattern.is_match(&text));
        is_valid
            .then_some(text)
            .ok_or("must be an address such as https://shop.example/paid")
    }
}

/// URIs (RFC 3986) with `https`, or `http` for this machine, and without credentials. The last label of a name begins with
/// a letter, because browsers take any other for a part of an IPv4 address.
const RETURN_URL: &str = concat!(
    r"^(https://(([A-Za-z0-9_-]+\.)*[A-Za-z][A-Za-z0-9_-]*|",
    byte!(),
    r"(\.",
    byte!(),
    r"){3})|http://(localhost|127\.0\.0\.1|\[::1\]))",
    r"(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?",
    r"(/([A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*)?",
    r"(\?([A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?",
    r"(#([A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?$"
);

impl CanonicalText for ReturnUrl {
    fn canonical(value: &String) -> Option<&str> {
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::{Host, Url};

    use super::*;

    fn accepts(text: &str) -> bool {
        ReturnUrl::parse(text.to_owned()).is_ok()
    }

    #[test]
    fn a_return_url_is_https_or_on_this_machine() {
        for good in [
            "https://shop.example",
            "https://Shop.example:8443/paid?order=1&next=/a?b#top",
            "https://xn--gre-6ka8i.example/%C3%A4",
            "https://127.0.0.1/",
            "https://localhost",
            "http://localhost:3000/paid",
            "http://[::1]:1?a",
            "http://127.0.0.1#a",
            "https://shop.example:65535",
        ] {
            assert!(accepts(good), "{good}");
        }
        for bad in [
            "",
            "https://",
            "https:///paid",
            "https:shop.example",
            "HTTPS://shop.example",
            "https://user@shop.example",
            "https://user:secret@shop.example",
            "https://shop.example\\@evil.example",
            "https://shop.example:65536",
            "https://shop.example:",
            "https://shop..example",
            "https://1.2.3.256",
            "https://1.2.3",
            "https://shop.0x7f",
            "https://shop.example/a b",
            "https://shop.example/%zz",
            "https://shop.example/[a]",
            "https://shop.example/a#b#c",
            "https://shop.example/\n",
            "https://gr\u{f6}\u{df}e.example",
            "http://localhost.evil.example",
            "http://localhost@evil.example",
            "http://LOCALHOST",
            "http://127.0.0.2",
            "javascript:alert(1)",
            " https://shop.example",
            "https://shop.example\n",
        ] {
            assert!(!accepts(bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_browser_reads_a_return_url_as_it_is_meant(
            text in r"(https?)(:|:/|://|:///)([a-z0-9_.@:\\\[\]-]{1,12}|localhost|127\.0\.0\.1|(25[0-9]|[0-9]{1,2})(\.[0-9]{1,3}){3})(:[0-9]{0,6})?(/[ -~]{0,6})?(\?[ -~]{0,4})?(#[ -~]{0,4})?",
        ) {
            let schema = serde_json::json!({"type": "string", "pattern": ReturnUrl::PATTERN, "format": "uri"});
            let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
            prop_assert_eq!(accepts(&text), validator.is_valid(&text.as_str().into()), "{}", text);
            if accepts(&text) && !text.contains("xn--") {
                let url = Url::parse(&text).unwrap();
                let host = url.host().unwrap();
                let is_local = matches!(&host, Host::Domain("localhost")) || matches!(host.to_string().as_str(), "127.0.0.1" | "[::1]");
                prop_assert!(url.scheme() == "https" || is_local, "{}", text);
                prop_assert!(text.to_lowercase().contains(&format!("//{host}")), "{}", text);
                prop_assert_eq!((url.username(), url.password()), ("", None));
            }
        }
    }
}
