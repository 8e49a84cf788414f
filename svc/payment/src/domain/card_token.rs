//! What a buyer pays with.

use std::{fmt, str::FromStr};

/// A card, as Stripe names it once to the buyer's browser: a token (`tok_…`) or a payment method (`pm_…`). The card's
/// number never comes here.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token(String);

/// A text that names no card of Stripe.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be a token of Stripe, such as tok_visa, or a payment method, such as pm_card_visa")]
pub(crate) struct MalformedToken;

/// Longer than any of Stripe's, in characters.
const LONGEST: usize = 255;

impl Token {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is a payment method rather than a token.
    pub(crate) fn is_method(&self) -> bool {
        self.0.starts_with("pm_")
    }
}

impl FromStr for Token {
    type Err = MalformedToken;

    fn from_str(text: &str) -> Result<Self, MalformedToken> {
        let rest = text
            .strip_prefix("tok_")
            .or_else(|| text.strip_prefix("pm_"))
            .ok_or(MalformedToken)?;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let fits = !rest.is_empty() && text.len() <= LONGEST && rest.bytes().all(allowed);
        fits.then(|| Self(text.to_owned())).ok_or(MalformedToken)
    }
}

/// Not for logs.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_method() { "pm_…" } else { "tok_…" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stripe_could_have_named_is_a_token() {
        for good in ["tok_visa", "tok_1NqGZ2", "pm_card_visa"] {
            assert_eq!(good.parse::<Token>().unwrap().as_str(), good);
        }
        let long = format!("tok_{}", "a".repeat(300));
        for bad in [
            "",
            "tok_",
            "pm_",
            "4242424242424242",
            "visa",
            "tok_vi sa",
            "tok_é",
            " tok_visa",
            "card_1",
            &long,
        ] {
            assert_eq!(bad.parse::<Token>(), Err(MalformedToken), "{bad}");
        }
    }
}
