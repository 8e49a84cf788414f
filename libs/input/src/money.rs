use std::borrow::Cow;

use poem_openapi::{
    registry::{MetaSchemaRef, Registry},
    types::Type,
};
use problem::FieldErrors;
use serde::Serialize;
use values::{Currency, MAX_AMOUNT, Money};

use crate::{Field, Json, Number, ObjectReader, Place};

/// An amount in minor units.
struct Amount(i64);

impl Field for Money {
    fn read(json: Json<'_>, place: &Place<'_>, errors: &mut FieldErrors) -> Option<Self> {
        let mut object = ObjectReader::open(json, place, errors)?;
        let amount = object.field_with("amount", || None, Amount::read);
        let currency = object.field::<Currency>("currency");
        object.finish();
        let (Amount(amount), currency) = amount.zip(currency)?;
        Some(Self { amount, currency })
    }
}

impl Amount {
    fn read(json: Json<'_>, place: &Place<'_>, errors: &mut FieldErrors) -> Option<Self> {
        let amount = match json.number() {
            Some(Number::Whole(amount)) if (0..=MAX_AMOUNT).contains(&amount) => Ok(Self(amount)),
            _ => Err(format!(
                "must be a whole number of minor units, such as cents, from 0 to {MAX_AMOUNT}"
            )),
        };
        errors.check(place, amount)
    }
}

/// A price: free, or an amount that a card can be charged with. The bounds depend on the currency.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Price(pub Money);

/// Described as [`Money`]: a schema has no bounds that depend on another field.
impl Type for Price {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        Money::name()
    }

    fn schema_ref() -> MetaSchemaRef {
        Money::schema_ref()
    }

    fn register(registry: &mut Registry) {
        Money::register(registry);
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl Field for Price {
    fn read(json: Json<'_>, place: &Place<'_>, errors: &mut FieldErrors) -> Option<Self> {
        let money = Money::read(json, place, errors)?;
        errors.check(place.field("amount"), money.ensure_chargeable()).map(Self)
    }
}
