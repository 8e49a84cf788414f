//! A card, as Stripe names it.

use std::{fmt, str::FromStr};

/// Stripe's name for a card: a token (`tok_…`) or a payment method (`pm_…`). The service never receives the card's number.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct CardToken(String);

/// The text is no token and no payment method of Stripe.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be a token of Stripe, such as tok_visa, or a payment method, such as pm_card_visa")]
pub(crate) struct MalformedCardToken;

impl CardToken {
    /// The maximum length in characters, which are ASCII; longer than any token of Stripe.
    pub(crate) const MAX_LENGTH: usize = 255;

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is a payment method rather than a token.
    pub(crate) fn is_payment_method(&self) -> bool {
        self.0.starts_with("pm_")
    }
}

impl FromStr for CardToken {
    type Err = MalformedCardToken;

    fn from_str(text: &str) -> Result<Self, MalformedCardToken> {
        let rest = text
            .strip_prefix("tok_")
            .or_else(|| text.strip_prefix("pm_"))
            .ok_or(MalformedCardToken)?;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let fits = !rest.is_empty() && text.len() <= Self::MAX_LENGTH && rest.bytes().all(allowed);
        fits.then(|| Self(text.to_owned())).ok_or(MalformedCardToken)
    }
}

/// Omits the token, which must not appear in logs.
impl fmt::Debug for CardToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_payment_method() { "pm_…" } else { "tok_…" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tokens_and_payment_methods_of_stripe_are_accepted() {
        for good in ["tok_visa", "tok_1NqGZ2", "pm_card_visa"] {
            assert_eq!(good.parse::<CardToken>().unwrap().as_str(), good);
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
            assert_eq!(bad.parse::<CardToken>(), Err(MalformedCardToken), "{bad}");
        }
    }
}
