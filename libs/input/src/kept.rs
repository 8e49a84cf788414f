use std::borrow::Cow;

use poem_openapi::{
    registry::{MetaSchemaRef, Registry},
    types::Type,
};
use serde::Serialize;

use crate::{Errors, Field, Json, Place};

/// A field of a change: `None` if it is left out, which keeps the present value.
///
/// `Kept<Option<T>>` distinguishes three cases: left out (keep), `null` (remove), and a value (set).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Kept<T>(pub Option<T>);

impl<T: Type> Type for Kept<T> {
    const IS_REQUIRED: bool = false;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        format!("kept_{}", T::name()).into()
    }

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl<T: Field> Field for Kept<T> {
    const IS_NULLABLE: bool = T::IS_NULLABLE;

    fn absent() -> Option<Self> {
        Some(Self(None))
    }

    fn read(json: Json<'_>, place: &Place<'_>, errors: &mut Errors<'_>) -> Option<Self> {
        T::read(json, place, errors).map(|value| Self(Some(value)))
    }
}
