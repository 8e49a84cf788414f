use poem_openapi::registry::MetaSchema;
use serde::{Serialize, Serializer};

use crate::{Errors, Field, Json, Number, Place, types::inline_type};

/// A whole number from `MIN` to `MAX`, in any notation: `100`, `100.0` or `1e2`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Whole<const MIN: u32, const MAX: u32>(u32);

impl<const MIN: u32, const MAX: u32> Whole<MIN, MAX> {
    /// Returns a number, or `None` if it is out of bounds.
    pub const fn new(number: u32) -> Option<Self> {
        if MIN <= number && number <= MAX {
            Some(Self(number))
        } else {
            None
        }
    }

    /// Returns the number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

inline_type!(
    [const MIN: u32, const MAX: u32] Whole<MIN, MAX>,
    format!("integer_{MIN}_{MAX}"),
    MetaSchema {
        minimum: Some(MIN.into()),
        maximum: Some(MAX.into()),
        ..MetaSchema::new_with_format("integer", "int64")
    }
);

impl<const MIN: u32, const MAX: u32> Field for Whole<MIN, MAX> {
    fn read(json: Json<'_>, place: &Place<'_>, errors: &mut Errors<'_>) -> Option<Self> {
        let number = match json.number() {
            Some(Number::Whole(number)) => u32::try_from(number).ok(),
            _ => None,
        };
        let number = number
            .and_then(Self::new)
            .ok_or_else(|| format!("must be a whole number from {MIN} to {MAX}"));
        errors.check(place, number)
    }
}

impl<const MIN: u32, const MAX: u32> Serialize for Whole<MIN, MAX> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u32(self.0)
    }
}
