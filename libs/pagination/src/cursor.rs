use std::{borrow::Cow, fmt, str::FromStr};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef},
    types::{ParseError, ParseFromParameter, ParseResult, Type},
};
use serde::{Serialize, de::DeserializeOwned};

/// A position in a list: opaque to the client, `T` to the service that created it.
///
/// On the wire base64url (RFC 4648, section 5, no padding) of the name of its [`CursorScope`](crate::CursorScope) and `T` as JSON. Only that
/// list returns the position. It is not signed: no value may show more than the query without it would.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cursor<T> {
    pub(crate) list: String,
    pub(crate) position: T,
}

/// The error of a text that is not a cursor of this list.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be a nextCursor of this list, as it was answered")]
pub struct MalformedCursor;

/// The maximum length of a cursor, in characters.
const MAX_LENGTH: usize = 4096;

impl<T: Serialize> fmt::Display for Cursor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = serde_json::to_vec(&(&self.list, &self.position)).map_err(|_| fmt::Error)?;
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(json))
    }
}

impl<T: DeserializeOwned> FromStr for Cursor<T> {
    type Err = MalformedCursor;

    fn from_str(text: &str) -> Result<Self, MalformedCursor> {
        if text.len() > MAX_LENGTH {
            return Err(MalformedCursor);
        }
        let json = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| MalformedCursor)?;
        let (list, position) = serde_json::from_slice(&json).map_err(|_| MalformedCursor)?;
        Ok(Self { list, position })
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
            max_length: Some(MAX_LENGTH),
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

    fn cursor<T>(position: T) -> Cursor<T> {
        let list = "a list".to_owned();
        Cursor { list, position }
    }

    #[test]
    fn a_cursor_survives_the_round_trip() {
        let text = cursor(("größer".to_owned(), -7_i64)).to_string();
        assert!(
            text.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)),
            "{text}"
        );
        assert_eq!(text.parse(), Ok(cursor(("größer".to_owned(), -7_i64))));
    }

    #[test]
    fn any_other_text_is_refused() {
        let other_list = cursor("a text").to_string();
        let too_long = "A".repeat(MAX_LENGTH + 1);
        for bad in ["", "42", "%", "bm8=", "\u{0}", "ö", &other_list, &too_long] {
            assert_eq!(bad.parse::<Cursor<(String, i64)>>(), Err(MalformedCursor), "{bad}");
        }
    }
}
