use std::{convert::Infallible, fmt::Display};

use poem_openapi::types::Type;
use values::{Currency, EventId, OrderId, PaymentId, RefundId, ScanId, SessionId, TicketId, Timestamp, UserId};

use crate::{Errors, Json, Place};

/// A value of a JSON body: read here, described in the OpenAPI document by [`Type`].
pub trait Field: Type + Sized {
    /// Whether `null` is a value.
    const IS_NULLABLE: bool = false;

    /// Returns the value of a field that is left out; `None` if it is required.
    fn absent() -> Option<Self> {
        None
    }

    /// Reads the value at a place. If it is invalid, adds every error in it and returns `None`.
    fn read(json: Json<'_>, place: &Place<'_>, errors: &mut Errors<'_>) -> Option<Self>;
}

/// Reads a text and parses it.
pub(crate) fn read_text<T, E: Display>(
    json: Json<'_>,
    place: &Place<'_>,
    errors: &mut Errors<'_>,
    parse: impl FnOnce(String) -> Result<T, E>,
) -> Option<T> {
    let Some(text) = json.text() else {
        errors.add(place, "must be a text");
        return None;
    };
    errors.check(place, parse(text))
}

impl Field for bool {
    fn read(json: Json<'_>, place: &Place<'_>, errors: &mut Errors<'_>) -> Option<Self> {
        errors.check(place, json.boolean().ok_or("must be true or false"))
    }
}

/// A text without rules.
impl Field for String {
    fn read(json: Json<'_>, place: &Place<'_>, errors: &mut Errors<'_>) -> Option<Self> {
        read_text(json, place, errors, Ok::<_, Infallible>)
    }
}

impl<T: Field> Field for Option<T> {
    const IS_NULLABLE: bool = true;

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn read(json: Json<'_>, place: &Place<'_>, errors: &mut Errors<'_>) -> Option<Self> {
        if json.is_null() {
            return Some(None);
        }
        T::read(json, place, errors).map(Some)
    }
}

macro_rules! parsed_from_text {
    ($($type:ty),+) => {$(
        impl Field for $type {
            fn read(json: Json<'_>, place: &Place<'_>, errors: &mut Errors<'_>) -> Option<Self> {
                read_text(json, place, errors, |text| text.parse::<Self>())
            }
        }
    )+};
}

parsed_from_text!(
    UserId, TicketId, OrderId, PaymentId, RefundId, SessionId, EventId, ScanId, Timestamp, Currency
);
