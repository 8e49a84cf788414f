//! What a seller says about a listing, parsed: whoever has an [`Offer`] has checked it.

use events::RefundTerms;
use rusqlite::{
    ToSql,
    types::{FromSql, FromSqlResult, ToSqlOutput, ValueRef},
};
use values::{Money, Timestamp};

/// What a seller offers. Everything but the number is part of it, whether said or left out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Offer {
    pub(crate) terms: Terms,
    /// How many to sell in all; `None` leaves the number as it is.
    pub(crate) quantity: Option<u32>,
}

/// What a buyer of this listing gets, and for how much.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Terms {
    pub(crate) title: Line,
    pub(crate) description: Option<Prose>,
    pub(crate) venue: Option<Line>,
    pub(crate) starts_at: Option<Timestamp>,
    /// Of one ticket.
    pub(crate) price: Money,
    /// Seconds within which an order is to be paid, where that is not the marketplace's usual window.
    pub(crate) order_window_seconds: Option<u32>,
    pub(crate) refunds: RefundTerms,
}

/// One line of 1 to 200 characters, without spaces around it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Line(String);

/// A text of 1 to 5,000 characters, of as many lines as it likes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Prose(String);

/// Why a text cannot stand in a listing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum BadText {
    #[error("must not be empty")]
    Empty,
    #[error("must have at most {0} characters")]
    TooLong(usize),
    #[error("must not contain control characters")]
    Control,
}

/// A number that is too small or too large.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be a whole number from {min} to {max}")]
pub(crate) struct OutOfRange {
    min: i64,
    max: i64,
}

fn text(text: &str, longest: usize, allowed: &[char]) -> Result<String, BadText> {
    let text = text.trim();
    if text.is_empty() {
        return Err(BadText::Empty);
    }
    if text.chars().nth(longest).is_some() {
        return Err(BadText::TooLong(longest));
    }
    if text.chars().any(|char| char.is_control() && !allowed.contains(&char)) {
        return Err(BadText::Control);
    }
    Ok(text.to_owned())
}

impl Line {
    /// The longest, in characters (Unicode scalar values).
    pub(crate) const LONGEST: usize = 200;

    pub(crate) fn parse(line: &str) -> Result<Self, BadText> {
        text(line, Self::LONGEST, &[]).map(Self)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

impl Prose {
    /// The longest, in characters (Unicode scalar values).
    pub(crate) const LONGEST: usize = 5000;

    pub(crate) fn parse(prose: &str) -> Result<Self, BadText> {
        text(prose, Self::LONGEST, &['\n', '\r', '\t']).map(Self)
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

fn within(number: i64, min: i64, max: i64) -> Result<u32, OutOfRange> {
    let refused = OutOfRange { min, max };
    let number = Some(number)
        .filter(|number| (min..=max).contains(number))
        .ok_or(refused)?;
    u32::try_from(number).map_err(|_| refused)
}

/// How many tickets one listing can have.
pub(crate) fn quantity(number: i64) -> Result<u32, OutOfRange> {
    within(number, 1, 1_000_000)
}

/// How long an order of one listing can be open, in seconds.
pub(crate) fn order_window(seconds: i64) -> Result<u32, OutOfRange> {
    within(seconds, 10, 3600)
}

macro_rules! stored_as_text {
    ($($type:ident),+) => {$(
        impl ToSql for $type {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(self.0.as_str().into())
            }
        }

        /// What was stored has been parsed before.
        impl FromSql for $type {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                String::column_result(value).map(Self)
            }
        }
    )+};
}
stored_as_text!(Line, Prose);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_line_of_up_to_200_characters() {
        assert_eq!(
            Line::parse("  Concert \u{1F3B8} ").unwrap().as_str(),
            "Concert \u{1F3B8}"
        );
        assert!(
            Line::parse(&"ö".repeat(200)).is_ok(),
            "characters are counted, not bytes"
        );
        for (bad, why) in [
            ("", BadText::Empty),
            (" \u{3000}\n", BadText::Empty),
            (&"x".repeat(201), BadText::TooLong(200)),
            ("one\ntwo", BadText::Control),
            ("nul\0", BadText::Control),
            ("\u{85}next line\u{7f}", BadText::Control),
        ] {
            assert_eq!(Line::parse(bad), Err(why), "{bad:?}");
        }
    }

    #[test]
    fn a_description_may_have_lines() {
        assert!(Prose::parse("one\r\n\ttwo").is_ok());
        assert_eq!(Prose::parse("nul\0l"), Err(BadText::Control));
        assert_eq!(Prose::parse(&"x".repeat(5001)), Err(BadText::TooLong(5000)));
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
