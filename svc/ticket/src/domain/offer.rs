//! What a seller offers, as validated values.

use events::RefundTerms;
use text::InvalidText;
use values::{Money, Timestamp};

use super::{sale_period::SalePeriod, time_zone::TimeZoneName};

/// The shortest order window of a listing, in seconds.
pub(crate) const MIN_ORDER_WINDOW_SECONDS: u32 = 10;

/// The longest order window of a listing, in seconds.
pub(crate) const MAX_ORDER_WINDOW_SECONDS: u32 = 3600;

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
    /// The time zone of the venue.
    pub(crate) time_zone: Option<TimeZoneName>,
    pub(crate) starts_at: Option<Timestamp>,
    pub(crate) sale: SalePeriod,
    /// The price of one ticket.
    pub(crate) price: Money,
    /// Seconds within which an order must be paid, if other than the marketplace's order window.
    pub(crate) order_window_seconds: Option<u32>,
    /// The maximum number of tickets of one buyer, if other than the marketplace's.
    pub(crate) max_per_buyer: Option<u32>,
    /// Whether buyers have to sign in with a second factor.
    pub(crate) requires_second_factor: bool,
    pub(crate) refunds: RefundTerms,
}

/// A change of an offer. It replaces the texts, the start, the price and the order window, and keeps everything else that it
/// does not name: nobody changes a rule of the sale by leaving it out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct OfferChange {
    pub(crate) title: ShortText,
    pub(crate) description: Option<LongText>,
    pub(crate) venue: Option<ShortText>,
    pub(crate) starts_at: Option<Timestamp>,
    pub(crate) price: Money,
    pub(crate) order_window_seconds: Option<u32>,
    /// `None` keeps the number.
    pub(crate) quantity: Option<u32>,
    pub(crate) time_zone: Change<Option<TimeZoneName>>,
    pub(crate) sales_begin: Change<Option<Timestamp>>,
    pub(crate) sales_end: Change<Option<Timestamp>>,
    pub(crate) max_per_buyer: Change<Option<u32>>,
    pub(crate) requires_second_factor: Change<bool>,
    pub(crate) refundable_until: Change<Option<Timestamp>>,
    pub(crate) resell_refunded: Change<bool>,
}

/// What a change does to one value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Change<T> {
    /// It stays.
    Keep,
    /// It becomes this one.
    Set(T),
}

impl<T> Change<T> {
    fn onto(self, present: T) -> T {
        match self {
            Self::Keep => present,
            Self::Set(value) => value,
        }
    }
}

impl Terms {
    /// Returns the texts in which words are searched.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        let venue = self.venue.as_ref().map(ShortText::as_str);
        let description = self.description.as_ref().map(LongText::as_str);
        [Some(self.title.as_str()), venue, description].into_iter().flatten()
    }
}

impl OfferChange {
    /// Returns the offer that the change makes of the present terms.
    pub(crate) fn onto(self, present: &Terms) -> Offer {
        let refunds = RefundTerms {
            refundable_until: self.refundable_until.onto(present.refunds.refundable_until),
            resell_refunded: self.resell_refunded.onto(present.refunds.resell_refunded),
        };
        let terms = Terms {
            title: self.title,
            description: self.description,
            venue: self.venue,
            time_zone: self.time_zone.onto(present.time_zone.clone()),
            starts_at: self.starts_at,
            sale: SalePeriod {
                begin: self.sales_begin.onto(present.sale.begin),
                end: self.sales_end.onto(present.sale.end),
            },
            price: self.price,
            order_window_seconds: self.order_window_seconds,
            max_per_buyer: self.max_per_buyer.onto(present.max_per_buyer),
            requires_second_factor: self.requires_second_factor.onto(present.requires_second_factor),
            refunds,
        };
        Offer {
            terms,
            quantity: self.quantity,
        }
    }
}

/// One line of 1 to 200 characters, as the `text` library parses it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ShortText(String);

/// A text of 1 to 5,000 characters in any number of lines.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct LongText(String);

impl ShortText {
    /// The maximum length in characters (Unicode scalar values).
    pub(crate) const MAX_CHARS: usize = 200;

    pub(crate) fn parse(line: &str) -> Result<Self, InvalidText> {
        text::parse_line(line, Self::MAX_CHARS).map(Self)
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
        text::parse_lines(text, Self::MAX_CHARS).map(Self)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_line_of_up_to_200_characters() {
        assert_eq!(
            ShortText::parse("  Concert \u{1F3B8} ").unwrap().as_str(),
            "Concert \u{1F3B8}"
        );
        assert_eq!(ShortText::parse(&"x".repeat(201)), Err(InvalidText::TooLong(200)));
        assert_eq!(ShortText::parse("one\ntwo"), Err(InvalidText::Control));
        assert_eq!(ShortText::parse("\u{3164}"), Err(InvalidText::Invisible));
    }

    #[test]
    fn a_description_may_have_lines() {
        assert!(LongText::parse("one\r\n\ttwo").is_ok());
        assert_eq!(LongText::parse(&"x".repeat(5001)), Err(InvalidText::TooLong(5000)));
    }
}
