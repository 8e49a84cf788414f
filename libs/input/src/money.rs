use std::borrow::Cow;

use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef, Registry},
    types::Type,
};
use serde::Serialize;
use values::{Currency, MAX_AMOUNT, Money};

use crate::{Errors, Field, Json, Number, Place, types::inline_type};

/// A price: free, or an amount that a card can be charged with. The bounds depend on the currency.
///
/// The document describes it as an object of its own: [`Money`] in a response may get more fields, that in a request may not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Price(pub Money);

impl Type for Price {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        object::Price::name()
    }

    fn schema_ref() -> MetaSchemaRef {
        object::Price::schema_ref()
    }

    fn register(registry: &mut Registry) {
        object::Price::register(registry);
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl Field for Price {
    fn read(json: Json<'_>, place: &Place<'_>, errors: &mut Errors<'_>) -> Option<Self> {
        object::Price::read(json, place, errors).map(|price| Self(money(price.amount, price.currency)))
    }
}

/// An amount in minor units, in any notation.
#[derive(Clone, Copy, Debug, Serialize)]
struct Amount(i64);

inline_type!(
    [] Amount,
    "integer_amount",
    MetaSchema {
        minimum: Some(0.0),
        maximum: u32::try_from(MAX_AMOUNT).ok().map(f64::from),
        ..MetaSchema::new_with_format("integer", "int64")
    }
);

impl Field for Amount {
    fn read(json: Json<'_>, place: &Place<'_>, errors: &mut Errors<'_>) -> Option<Self> {
        let amount = match json.number() {
            Some(Number::Whole(amount)) if (0..=MAX_AMOUNT).contains(&amount) => Ok(Self(amount)),
            _ => Err(format!(
                "must be a whole number of minor units, such as cents, from 0 to {MAX_AMOUNT}"
            )),
        };
        errors.check(place, amount)
    }
}

const fn money(amount: Amount, currency: Currency) -> Money {
    Money {
        amount: amount.0,
        currency,
    }
}

mod object {
    use values::Currency;

    use super::{Amount, money};

    crate::object! {
        /// A price in minor units of its currency: `{"amount": 1999, "currency": "usd"}` is 19.99 US dollars.
        pub(super) struct Price {
            /// Minor units, such as cents: 0, or at least the minimum card payment in the currency. Bahraini, Jordanian,
            /// Kuwaiti and Tunisian dinars and Omani rials are thousandths, in multiples of 10; Icelandic kronur and Ugandan
            /// shillings are hundredths, in multiples of 100.
            pub(super) amount as "amount": Amount,
            /// ISO 4217, in lower case.
            pub(super) currency as "currency": Currency,
        }
        check(amount, currency): money(*amount, *currency).ensure_chargeable().map(drop),
        example: {"amount": 1999, "currency": "usd"}
    }
}
