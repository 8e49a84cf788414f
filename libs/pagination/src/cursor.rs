use std::{borrow::Cow, fmt, str::FromStr};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef},
    types::{ParseError, ParseFromParameter, ParseResult, Type},
};
use problem::Problem;
use serde::{Serialize, de::DeserializeOwned};

/// Where a list goes on: opaque to the client, `T` to the service that made it.
///
/// On the wire base64url (RFC 4648, section 5, no padding) of `T` as JSON. It is not signed: whatever it says, it must
/// not show more than the query without it would. Where `T` holds the query as well, compare it and answer
/// [`cursor_of_other_query`] if it is another.
///
/// ```
/// # use pagination::Cursor;
/// let sent = Cursor(("newest", 42_i64)).to_string();
/// let came: Cursor<(String, i64)> = sent.parse()?;
/// assert_eq!(came.0, ("newest".to_owned(), 42));
/// # Ok::<(), pagination::MalformedCursor>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cursor<T>(pub T);

/// A text that is no cursor, or one of another list.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be a nextCursor of this list, as it was answered")]
pub struct MalformedCursor;

/// Longer than any that we make, in characters: the rest of the text is not looked at.
const LONGEST: usize = 4096;

/// 400: the cursor belongs to a query with other filters or another order.
pub fn cursor_of_other_query() -> Problem {
    Problem::malformed("A parameter is not as it must be.").field(
        "cursor",
        "belongs to another query: send the filters and the sort of the page it came with",
    )
}

impl<T: Serialize> fmt::Display for Cursor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = serde_json::to_vec(&self.0).map_err(|_| fmt::Error)?;
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(json))
    }
}

impl<T: DeserializeOwned> FromStr for Cursor<T> {
    type Err = MalformedCursor;

    fn from_str(text: &str) -> Result<Self, MalformedCursor> {
        if text.len() > LONGEST {
            return Err(MalformedCursor);
        }
        let json = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| MalformedCursor)?;
        serde_json::from_slice(&json).map(Self).map_err(|_| MalformedCursor)
    }
}

impl<T: Send + Sync> Type for Cursor<T> {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        "string_cursor".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema {
            pattern: Some("^[A-Za-z0-9_-]+$".to_owned()),
            max_length: Some(LONGEST),
            ..MetaSchema::new("string")
        }))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl<T: DeserializeOwned + Send + Sync> ParseFromParameter for Cursor<T> {
    fn parse_from_parameter(text: &str) -> ParseResult<Self> {
        text.parse().map_err(ParseError::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_went() {
        let sent = Cursor(("größer".to_owned(), -7_i64)).to_string();
        assert!(
            sent.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)),
            "{sent}"
        );
        assert_eq!(sent.parse(), Ok(Cursor(("größer".to_owned(), -7_i64))));
    }

    #[test]
    fn whatever_else_comes_is_refused() {
        let other_list = Cursor("a text").to_string();
        let longest = "A".repeat(LONGEST + 1);
        for bad in ["", "42", "%", "bm8=", "\u{0}", "ö", &other_list, &longest] {
            assert_eq!(bad.parse::<Cursor<(String, i64)>>(), Err(MalformedCursor), "{bad}");
        }
    }
}
