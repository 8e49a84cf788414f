//! What a seller offers, as validated values.

use events::RefundTerms;
use values::{MAX_QUANTITY, Money, Timestamp};

/// A seller's offer: terms and quantity.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Offer {
    pub(crate) terms: Terms,
    /// How many tickets to sell in all; `None` keeps the number of a listing as it is.
    pub(crate) quantity: Option<u32>,
}

/// What a buyer gets, at which price, under which conditions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Terms {
    pub(crate) title: ShortText,
    pub(crate) description: Option<LongText>,
    pub(crate) venue: Option<ShortText>,
    pub(crate) starts_at: Option<Timestamp>,
    /// The price of one ticket.
    pub(crate) price: Money,
    /// Seconds within which an order must be paid, if other than the marketplace's order window.
    pub(crate) order_window_seconds: Option<u32>,
    pub(crate) refunds: RefundTerms,
}

/// One line of 1 to 200 characters, trimmed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ShortText(String);

/// A text of 1 to 5,000 characters in any number of lines, trimmed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct LongText(String);

/// Why a text is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum InvalidText {
    #[error("must not be empty")]
    Empty,
    #[error("must have at most {0} characters")]
    TooLong(usize),
    #[error("must not contain control characters")]
    Control,
}

/// A number out of its range.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be a whole number from {min} to {max}")]
pub(crate) struct OutOfRange {
    min: i64,
    max: i64,
}

/// Trims and validates a text.
fn parse_text(text: &str, max_chars: usize, allowed: &[char]) -> Result<String, InvalidText> {
    let text = text.trim();
    if text.is_empty() {
        return Err(InvalidText::Empty);
    }
    if text.chars().nth(max_chars).is_some() {
        return Err(InvalidText::TooLong(max_chars));
    }
    if text.chars().any(|char| char.is_control() && !allowed.contains(&char)) {
        return Err(InvalidText::Control);
    }
    Ok(text.to_owned())
}

impl ShortText {
    /// The maximum length in characters (Unicode scalar values).
    pub(crate) const MAX_CHARS: usize = 200;

    pub(crate) fn parse(line: &str) -> Result<Self, InvalidText> {
        parse_text(line, Self::MAX_CHARS, &[]).map(Self)
    }

    /// Wraps a text that was validated before it was stored.
    pub(crate) fn from_stored(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

impl LongText {
    /// The maximum length in characters (Unicode scalar values).
    pub(crate) const MAX_CHARS: usize = 5000;

    pub(crate) fn parse(text: &str) -> Result<Self, InvalidText> {
        parse_text(text, Self::MAX_CHARS, &['\n', '\r', '\t']).map(Self)
    }

    /// Wraps a text that was validated before it was stored.
    pub(crate) fn from_stored(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

fn in_range(number: i64, min: i64, max: i64) -> Result<u32, OutOfRange> {
    let out_of_range = OutOfRange { min, max };
    let number = Some(number)
        .filter(|number| (min..=max).contains(number))
        .ok_or(out_of_range)?;
    u32::try_from(number).map_err(|_| out_of_range)
}

/// Parses the number of tickets of a listing.
pub(crate) fn quantity(number: i64) -> Result<u32, OutOfRange> {
    in_range(number, 1, MAX_QUANTITY.into())
}

/// Parses the order window of a listing, in seconds.
pub(crate) fn order_window(seconds: i64) -> Result<u32, OutOfRange> {
    in_range(seconds, 10, 3600)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_line_of_up_to_200_characters() {
        assert_eq!(
            ShortText::parse("  Concert \u{1F3B8} ").unwrap().as_str(),
            "Concert \u{1F3B8}"
        );
        assert!(
            ShortText::parse(&"ö".repeat(200)).is_ok(),
            "characters are counted, not bytes"
        );
        for (bad, why) in [
            ("", InvalidText::Empty),
            (" \u{3000}\n", InvalidText::Empty),
            (&"x".repeat(201), InvalidText::TooLong(200)),
            ("one\ntwo", InvalidText::Control),
            ("nul\0", InvalidText::Control),
            ("\u{85}next line\u{7f}", InvalidText::Control),
        ] {
            assert_eq!(ShortText::parse(bad), Err(why), "{bad:?}");
        }
    }

    #[test]
    fn a_description_may_have_lines() {
        assert!(LongText::parse("one\r\n\ttwo").is_ok());
        assert_eq!(LongText::parse("nul\0l"), Err(InvalidText::Control));
        assert_eq!(LongText::parse(&"x".repeat(5001)), Err(InvalidText::TooLong(5000)));
    }

    #[test]
    fn numbers_have_their_ranges() {
        assert_eq!(quantity(1), Ok(1));
        assert_eq!(quantity(1_000_000), Ok(1_000_000));
        assert_eq!(
            quantity(0).unwrap_err().to_string(),
            "must be a whole number from 1 to 1000000"
        );
        assert!(quantity(-1).is_err() && quantity(i64::MAX).is_err());
        assert!(order_window(9).is_err() && order_window(10).is_ok() && order_window(3601).is_err());
    }
}
