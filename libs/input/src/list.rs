use std::borrow::Cow;

use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef, Registry},
    types::Type,
};
use serde::Serialize;

use crate::{Errors, Field, Json, Place};

/// A list in a body, of `MIN` to `MAX` items. An error in an item names its place, counted from 0: `scans.3.code`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(transparent)]
pub struct List<T, const MIN: usize, const MAX: usize>(Vec<T>);

impl<T, const MIN: usize, const MAX: usize> List<T, MIN, MAX> {
    /// Returns the items.
    pub fn into_vec(self) -> Vec<T> {
        self.0
    }

    /// Describes how many items there must be.
    fn bounds() -> String {
        match MIN {
            0 => format!("must have at most {MAX} items"),
            min => format!("must have {min} to {MAX} items"),
        }
    }
}

impl<T: Field, const MIN: usize, const MAX: usize> Type for List<T, MIN, MAX> {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        format!("list_{MIN}_{MAX}_{}", T::name()).into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema {
            items: Some(Box::new(T::schema_ref())),
            min_items: Some(MIN).filter(|min| *min > 0),
            max_items: Some(MAX),
            ..MetaSchema::new("array")
        }))
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

impl<T: Field, const MIN: usize, const MAX: usize> Field for List<T, MIN, MAX> {
    fn read(json: Json<'_>, place: &Place<'_>, errors: &mut Errors<'_>) -> Option<Self> {
        let Some(items) = json.items() else {
            errors.add(place, "must be a list");
            return None;
        };
        if !(MIN..=MAX).contains(&items.len()) {
            errors.add(place, Self::bounds());
            return None;
        }
        // All are read, so that all errors are named.
        let read = items.into_iter().enumerate().map(|(index, item)| {
            let index = index.to_string();
            T::read(item, &place.field(&index), errors)
        });
        let read: Vec<Option<T>> = read.collect();
        read.into_iter().collect::<Option<_>>().map(Self)
    }
}
