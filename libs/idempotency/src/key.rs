use std::{fmt::Display, str::FromStr};

use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef},
    types::{ParseError, ParseFromParameter, ParseResult, Type},
};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The key by which a client identifies a request: 1 to 255 visible ASCII characters, such as a UUID.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IdempotencyKey(String);

/// The maximum length of a key.
const MAX_LENGTH: usize = 255;

/// The error of a text that is not an idempotency key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 255 visible ASCII characters, such as a UUID")]
pub struct MalformedKey;

impl IdempotencyKey {
    /// Returns the key as the client sent it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = MalformedKey;

    fn from_str(text: &str) -> Result<Self, MalformedKey> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if visible && (1..=MAX_LENGTH).contains(&text.len()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(MalformedKey)
        }
    }
}

impl Type for IdempotencyKey {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> std::borrow::Cow<'static, str> {
        "string_idempotency-key".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema {
            description: Some(
                "Identifies the request: a repeated request with the same key and content gets the stored response.",
            ),
            // Visible ASCII characters.
            pattern: Some("^[!-~]+$".to_owned()),
            min_length: Some(1),
            max_length: Some(MAX_LENGTH),
            example: Some("5f0c7a52-4f2e-4d5a-9a53-2f6f5f6f3f3a".into()),
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

impl ParseFromParameter for IdempotencyKey {
    fn parse_from_parameter(text: &str) -> ParseResult<Self> {
        text.parse().map_err(ParseError::custom)
    }
}

/// A request with its operation, client and key.
#[derive(Clone, Debug)]
pub struct IdempotentRequest {
    pub(crate) operation: &'static str,
    pub(crate) client: String,
    pub(crate) key: Option<IdempotencyKey>,
    pub(crate) fingerprint: Vec<u8>,
}

impl IdempotentRequest {
    /// Describes a request of `client` for `operation`. Two requests are the same if their contents are: `content` is the
    /// parsed request with its defaults filled in, so that the order of fields, white space, the notation of numbers and
    /// defaults that are spelled out make no difference.
    pub fn new(
        operation: &'static str,
        client: impl Display,
        key: Option<IdempotencyKey>,
        content: &impl Serialize,
    ) -> Self {
        // A parsed request always serialises. Without a key it is compared with no other.
        let hash = |_| Sha256::digest(serde_json::to_vec(content).unwrap_or_default()).to_vec();
        Self {
            operation,
            client: client.to_string(),
            fingerprint: key.as_ref().map(hash).unwrap_or_default(),
            key,
        }
    }

    /// Returns the key, if the client sent one.
    pub const fn key(&self) -> Option<&IdempotencyKey> {
        self.key.as_ref()
    }

    /// Returns the SHA-256 of the content: 32 bytes; nothing without a key.
    pub fn fingerprint(&self) -> &[u8] {
        &self.fingerprint
    }
}

/// Returns a content for [`IdempotentRequest::new`] without those of its fields `added` that are left out.
///
/// Earlier releases do not have these fields. A request without them is the same request to both releases, also if the
/// client repeats it after the update.
pub fn without_absent(content: &impl Serialize, added: &[&str]) -> Value {
    // A parsed request always serialises.
    let mut content = serde_json::to_value(content).unwrap_or_default();
    if let Value::Object(fields) = &mut content {
        fields.retain(|name, value| !(value.is_null() && added.contains(&name.as_str())));
    }
    content
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_without_a_new_field_is_the_same_request_as_before_the_field() {
        #[derive(Serialize)]
        struct Before {
            z: u32,
            a: Option<u32>,
        }
        #[derive(Serialize)]
        struct Now {
            z: u32,
            new: Option<u32>,
            a: Option<u32>,
        }
        let key = || "k".parse().ok();
        let fingerprint = |content: &Value| IdempotentRequest::new("place", "ada", key(), content).fingerprint;
        let before = IdempotentRequest::new("place", "ada", key(), &Before { z: 1, a: None }).fingerprint;
        let now = |new| fingerprint(&without_absent(&Now { z: 1, new, a: None }, &["new"]));
        assert_eq!(now(None), before);
        assert_ne!(now(Some(1)), before);
    }
}
