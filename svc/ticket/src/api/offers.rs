//! Offers in requests.

use std::fmt::Display;

use events::RefundTerms;
use input::{CanonicalText, Kept, Price, Text, TextRule, Whole};
use text::InvalidText;
use values::{MAX_QUANTITY, Timestamp};

use super::app::App;
use crate::domain::{
    Change, LongText, MAX_ORDER_WINDOW_SECONDS, MIN_ORDER_WINDOW_SECONDS, Offer, OfferChange, ShortText, Terms,
    ensure_future,
};

input::object! {
    /// A seller's offer.
    pub(crate) struct TicketOffer {
        /// One line, with a visible character. Fixed while tickets are held or sold.
        title as "title": Text<Line>,
        /// Any number of lines, with a visible character unless it is blank.
        description as "description": Option<Text<OptionalLines>>,
        /// The venue, in one line, with a visible character unless it is blank.
        venue as "venue": Option<Text<OptionalLine>>,
        /// When the event begins; no ticket is sold after that. Must be in the future.
        starts_at as "startsAt": Option<Timestamp>,
        /// The price of one ticket: 0, or at least the minimum card payment in that currency. Fixed while tickets are held or
        /// sold.
        price as "price": Price,
        /// The number of identical tickets; if left out, 1.
        quantity as "quantity": Option<Quantity>,
        /// Seconds within which an order must be paid, instead of the marketplace's order window.
        order_window_seconds as "orderWindowSeconds": Option<OrderWindow>,
        /// The maximum number of tickets that one buyer may hold and have bought; if left out, the marketplace's maximum per
        /// order.
        max_per_buyer as "maxPerBuyer": Option<Quantity>,
        /// Until when refunds are approved automatically. Must be in the future. After that, or if left out, the seller decides. Orders keep the
        /// terms that they were placed under.
        refundable_until as "refundableUntil": Option<Timestamp>,
        /// Whether refunded tickets go on sale again; otherwise they are void.
        resell_refunded as "resellRefunded": bool = true,
    }
    check(starts_at; app: App): ensure_future(*starts_at, app.clock.now()),
    check(refundable_until; app: App): ensure_future(*refundable_until, app.clock.now()),
    example: {
        "title": "Die Goldberg-Variationen",
        "description": "On a harpsichord of 1728. Doors open at seven.",
        "venue": "Laeiszhalle, Hamburg",
        // Far away, so that the example works for years.
        "startsAt": "2035-06-01T19:30:00.000Z",
        "price": {"amount": 1999, "currency": "usd"},
        "quantity": 100,
        "maxPerBuyer": 4,
        "refundableUntil": "2035-05-18T19:30:00.000Z",
        "resellRefunded": true
    }
}

input::object! {
    /// A change of a seller's offer. `description`, `venue`, `startsAt` and `orderWindowSeconds` are removed if left out;
    /// `quantity`, `maxPerBuyer`, `refundableUntil` and `resellRefunded` keep their values.
    pub(crate) struct TicketChange {
        /// One line, with a visible character. Fixed while tickets are held or sold.
        title as "title": Text<Line>,
        /// Any number of lines, with a visible character unless it is blank.
        description as "description": Option<Text<OptionalLines>>,
        /// The venue, in one line, with a visible character unless it is blank.
        venue as "venue": Option<Text<OptionalLine>>,
        /// When the event begins; no ticket is sold after that. Must be in the future when it is set, and cannot be removed
        /// once the event has begun.
        starts_at as "startsAt": Option<Timestamp>,
        /// The price of one ticket: 0, or at least the minimum card payment in that currency. Fixed while tickets are held or
        /// sold.
        price as "price": Price,
        /// The number of identical tickets, including those held and sold; unchanged if left out or `null`. It cannot go below
        /// the tickets held and sold.
        quantity as "quantity": Option<Quantity>,
        /// Seconds within which an order must be paid, instead of the marketplace's order window.
        order_window_seconds as "orderWindowSeconds": Option<OrderWindow>,
        /// The maximum number of tickets that one buyer may hold and have bought; unchanged if left out, `null` for the
        /// marketplace's maximum per order. Orders that exist stay as they are.
        max_per_buyer as "maxPerBuyer": Kept<Option<Quantity>>,
        /// Until when refunds are approved automatically; unchanged if left out. Must be in the future when it is set. After that, or with `null`, the seller
        /// decides. Orders keep the terms that they were placed under.
        refundable_until as "refundableUntil": Kept<Option<Timestamp>>,
        /// Whether refunded tickets go on sale again, otherwise they are void; unchanged if left out.
        resell_refunded as "resellRefunded": Kept<bool>,
    }
    example: {
        "title": "Die Goldberg-Variationen",
        "description": "On a harpsichord of 1728. Doors open at eight.",
        "venue": "Laeiszhalle, Hamburg",
        "startsAt": "2035-06-01T20:30:00.000Z",
        "price": {"amount": 1999, "currency": "usd"},
        "quantity": 120
    }
}

type Quantity = Whole<1, MAX_QUANTITY>;

type OrderWindow = Whole<MIN_ORDER_WINDOW_SECONDS, MAX_ORDER_WINDOW_SECONDS>;

impl TicketOffer {
    /// Leaves out a quantity of 1, the default, so that equal offers are equal requests. Earlier releases compared the
    /// quantity as it was sent: a request without one is still equal to that of theirs.
    #[must_use]
    pub(crate) fn without_default_quantity(self) -> Self {
        let quantity = self.quantity.filter(|quantity| quantity.get() != 1);
        Self { quantity, ..self }
    }

    pub(crate) fn into_offer(self) -> Offer {
        let terms = Terms {
            title: self.title.0,
            description: self.description.and_then(|text| text.0),
            venue: self.venue.and_then(|text| text.0),
            starts_at: self.starts_at,
            price: self.price.0,
            order_window_seconds: self.order_window_seconds.map(Whole::get),
            max_per_buyer: self.max_per_buyer.map(Whole::get),
            refunds: RefundTerms {
                refundable_until: self.refundable_until,
                resell_refunded: self.resell_refunded,
            },
        };
        Offer {
            terms,
            quantity: self.quantity.map(Whole::get),
        }
    }
}

impl From<TicketChange> for OfferChange {
    fn from(change: TicketChange) -> Self {
        Self {
            title: change.title.0,
            description: change.description.and_then(|text| text.0),
            venue: change.venue.and_then(|text| text.0),
            starts_at: change.starts_at,
            price: change.price.0,
            order_window_seconds: change.order_window_seconds.map(Whole::get),
            quantity: change.quantity.map(Whole::get),
            max_per_buyer: into_change(Kept(change.max_per_buyer.0.map(|max| max.map(Whole::get)))),
            refundable_until: into_change(change.refundable_until),
            resell_refunded: into_change(change.resell_refunded),
        }
    }
}

fn into_change<T>(field: Kept<T>) -> Change<T> {
    field.0.map_or(Change::Keep, Change::Set)
}

/// A text in one line, not blank.
#[derive(Clone)]
pub(crate) struct Line;

/// A text in one line. A blank one counts as left out.
#[derive(Clone)]
pub(crate) struct OptionalLine;

/// A text in any number of lines. A blank one counts as left out.
#[derive(Clone)]
pub(crate) struct OptionalLines;

/// Control characters are `\p{Cc}`; white space is `\p{White_Space}`; separators of lines are refused in one line. That a
/// character has to be visible is in words.
impl TextRule for Line {
    type Value = ShortText;
    const MIN_CHARS: usize = 1;
    const MAX_CHARS: usize = ShortText::MAX_CHARS;
    const PATTERN: Option<&'static str> = Some(
        r"^[^\u0000-\u001F\u007F-\u009F\u2028\u2029]*[^\u0000-\u0020\u007F-\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000][^\u0000-\u001F\u007F-\u009F\u2028\u2029]*$",
    );

    fn parse(text: String) -> Result<ShortText, impl Display> {
        ShortText::parse(&text)
    }
}

impl TextRule for OptionalLine {
    type Value = Option<ShortText>;
    const MAX_CHARS: usize = ShortText::MAX_CHARS;
    const PATTERN: Option<&'static str> = Some(r"^[^\u0000-\u001F\u007F-\u009F\u2028\u2029]*$");

    fn parse(text: String) -> Result<Option<ShortText>, impl Display> {
        none_if_blank(ShortText::parse(&text))
    }
}

impl TextRule for OptionalLines {
    type Value = Option<LongText>;
    const MAX_CHARS: usize = LongText::MAX_CHARS;
    const PATTERN: Option<&'static str> = Some(r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]*$");

    fn parse(text: String) -> Result<Option<LongText>, impl Display> {
        none_if_blank(LongText::parse(&text))
    }
}

fn none_if_blank<T>(parsed: Result<T, InvalidText>) -> Result<Option<T>, InvalidText> {
    match parsed {
        Err(InvalidText::Blank) => Ok(None),
        parsed => parsed.map(Some),
    }
}

impl CanonicalText for Line {
    fn canonical(value: &ShortText) -> Option<&str> {
        Some(value.as_str())
    }
}

impl CanonicalText for OptionalLine {
    fn canonical(value: &Option<ShortText>) -> Option<&str> {
        value.as_ref().map(ShortText::as_str)
    }
}

impl CanonicalText for OptionalLines {
    fn canonical(value: &Option<LongText>) -> Option<&str> {
        value.as_ref().map(LongText::as_str)
    }
}

#[cfg(test)]
mod tests;
