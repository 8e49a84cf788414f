//! Offers in requests.

use std::fmt::Display;

use events::RefundTerms;
use input::{CanonicalText, Kept, Price, Text, TextRule, Whole};
use text::InvalidText;
use values::{MAX_QUANTITY, Timestamp};

use super::app::App;
use crate::domain::{
    Change, LongText, MAX_ORDER_WINDOW_SECONDS, MIN_ORDER_WINDOW_SECONDS, Offer, OfferChange, SalePeriod, ShortText,
    Terms, TimeZoneName, ensure_future,
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
        /// The time zone of the venue: its name in the IANA database. Times are shown in it.
        time_zone as "timeZone": Option<Text<TimeZone>>,
        /// When the sale begins; if left out or in the past, at once. Must be before `salesEnd` and `startsAt`.
        sales_begin as "salesBegin": Option<Timestamp>,
        /// When the sale ends; if left out, with the start of the event. Must be in the future, and not after `startsAt`.
        sales_end as "salesEnd": Option<Timestamp>,
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
        /// Whether only buyers who signed in with a second factor can order; if left out, `false`.
        requires_second_factor as "requiresSecondFactor": Option<bool>,
        /// Until when refunds are approved automatically. Must be in the future. After that, or if left out, the seller decides. Orders keep the
        /// terms that they were placed under.
        refundable_until as "refundableUntil": Option<Timestamp>,
        /// Whether refunded tickets go on sale again; otherwise they are void.
        resell_refunded as "resellRefunded": bool = true,
    }
    check(starts_at; app: App): ensure_future(*starts_at, app.clock.now()),
    check(refundable_until; app: App): ensure_future(*refundable_until, app.clock.now()),
    check(sales_end; app: App): ensure_future(*sales_end, app.clock.now()),
    check(sales_begin, sales_end): SalePeriod { begin: *sales_begin, end: *sales_end }.check_begin(None),
    check(sales_begin, starts_at): SalePeriod { begin: *sales_begin, end: None }.check_begin(*starts_at),
    check(sales_end, starts_at): SalePeriod { begin: None, end: *sales_end }.check_end(*starts_at),
    example: {
        "title": "Die Goldberg-Variationen",
        "description": "On a harpsichord of 1728. Doors open at seven.",
        "venue": "Laeiszhalle, Hamburg",
        // Far away, so that the example works for years.
        "startsAt": "2035-06-01T19:30:00.000Z",
        "timeZone": "Europe/Berlin",
        "salesBegin": "2030-01-15T09:00:00.000Z",
        "salesEnd": "2035-06-01T17:30:00.000Z",
        "price": {"amount": 1999, "currency": "usd"},
        "quantity": 100,
        "maxPerBuyer": 4,
        "refundableUntil": "2035-05-18T19:30:00.000Z",
        "resellRefunded": true
    }
}

input::object! {
    /// A change of a seller's offer. `description`, `venue`, `startsAt` and `orderWindowSeconds` are removed if left out;
    /// everything else keeps its value. The times of the sale have to fit together with the changed ones.
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
        /// The time zone of the venue: its name in the IANA database; unchanged if left out, `null` for none.
        time_zone as "timeZone": Kept<Option<Text<TimeZone>>>,
        /// When the sale begins; unchanged if left out, `null` or a time in the past for at once. Must be before `salesEnd` and
        /// `startsAt`.
        sales_begin as "salesBegin": Kept<Option<Timestamp>>,
        /// When the sale ends; unchanged if left out, `null` for the start of the event. Must be in the future when it is set, and
        /// not after `startsAt`.
        sales_end as "salesEnd": Kept<Option<Timestamp>>,
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
        /// Whether only buyers who signed in with a second factor can order; unchanged if left out.
        requires_second_factor as "requiresSecondFactor": Kept<bool>,
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
    /// Leaves out a quantity of 1 and a second factor that is not required, the defaults, so that equal offers are equal
    /// requests. Earlier releases compared the quantity as it was sent: a request without one is still equal to that of theirs.
    #[must_use]
    pub(crate) fn without_defaults(self) -> Self {
        let quantity = self.quantity.filter(|quantity| quantity.get() != 1);
        let requires_second_factor = self.requires_second_factor.filter(|required| *required);
        Self {
            quantity,
            requires_second_factor,
            ..self
        }
    }

    pub(crate) fn into_offer(self) -> Offer {
        let terms = Terms {
            title: self.title.0,
            description: self.description.and_then(|text| text.0),
            venue: self.venue.and_then(|text| text.0),
            time_zone: self.time_zone.map(|zone| zone.0),
            starts_at: self.starts_at,
            sale: SalePeriod {
                begin: self.sales_begin,
                end: self.sales_end,
            },
            price: self.price.0,
            order_window_seconds: self.order_window_seconds.map(Whole::get),
            max_per_buyer: self.max_per_buyer.map(Whole::get),
            requires_second_factor: self.requires_second_factor.unwrap_or(false),
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
            time_zone: into_change(Kept(change.time_zone.0.map(|zone| zone.map(|zone| zone.0)))),
            sales_begin: into_change(change.sales_begin),
            sales_end: into_change(change.sales_end),
            max_per_buyer: into_change(Kept(change.max_per_buyer.0.map(|max| max.map(Whole::get)))),
            requires_second_factor: into_change(change.requires_second_factor),
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

/// The name of a time zone.
#[derive(Clone)]
pub(crate) struct TimeZone;

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

/// That the name is in the database is in words.
impl TextRule for TimeZone {
    type Value = TimeZoneName;
    const MIN_CHARS: usize = 1;
    const MAX_CHARS: usize = TimeZoneName::MAX_CHARS;

    fn parse(text: String) -> Result<TimeZoneName, impl Display> {
        TimeZoneName::parse(&text)
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

impl CanonicalText for TimeZone {
    fn canonical(value: &TimeZoneName) -> Option<&str> {
        Some(value.as_str())
    }
}

#[cfg(test)]
mod tests;
