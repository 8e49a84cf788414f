use std::{borrow::Cow, str::FromStr};

use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef},
    types::{ParseError, ParseFromParameter, ParseResult, Type},
};

/// The maximum number of items of a page: 1 to 100, by default 20.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Limit(u8);

/// The error of a text that is not a [`Limit`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be a whole number from 1 to {max}", max = Limit::MAX.0)]
pub struct LimitOutOfRange;

impl Limit {
    /// The largest limit.
    pub const MAX: Self = Self(100);

    /// Returns the number of items.
    pub fn items(self) -> usize {
        self.0.into()
    }

    /// Returns the number of rows to query: one more than the page has, to determine whether another page follows.
    pub fn rows(self) -> u32 {
        u32::from(self.0) + 1
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(20)
    }
}

impl FromStr for Limit {
    type Err = LimitOutOfRange;

    fn from_str(text: &str) -> Result<Self, LimitOutOfRange> {
        // `parse` accepts a sign, too.
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let number: u8 = text.parse().map_err(|_| LimitOutOfRange)?;
        (digits && (1..=Self::MAX.0).contains(&number))
            .then_some(Self(number))
            .ok_or(LimitOutOfRange)
    }
}

impl Type for Limit {
    const IS_REQUIRED: bool = false;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        "integer_limit".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema {
            default: Some(Self::default().0.into()),
            minimum: Some(1.0),
            maximum: Some(Self::MAX.0.into()),
            ..MetaSchema::new_with_format("integer", "int32")
        }))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl ParseFromParameter for Limit {
    fn parse_from_parameter(text: &str) -> ParseResult<Self> {
        text.parse().map_err(ParseError::custom)
    }

    fn parse_from_parameters<I: IntoIterator<Item = A>, A: AsRef<str>>(values: I) -> ParseResult<Self> {
        values
            .into_iter()
            .next()
            .map_or_else(|| Ok(Self::default()), |text| Self::parse_from_parameter(text.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_one_to_a_hundred_items() {
        assert_eq!("1".parse::<Limit>().unwrap().items(), 1);
        assert_eq!("100".parse(), Ok(Limit::MAX));
        for bad in ["", "0", "101", "256", "-1", "+5", "1.5", "ten", "99999999999999999999"] {
            assert_eq!(bad.parse::<Limit>(), Err(LimitOutOfRange), "{bad}");
        }
    }

    #[test]
    fn the_default_limit_is_twenty() {
        let missing: [&str; 0] = [];
        let limit = Limit::parse_from_parameters(missing)
            .map_err(ParseError::into_message)
            .unwrap();
        assert_eq!((limit.items(), limit.rows()), (20, 21));
    }
}
