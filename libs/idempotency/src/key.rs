use std::{fmt::Display, str::FromStr};

use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef},
    types::{ParseError, ParseFromParameter, ParseResult, Type},
};
use serde::Serialize;
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
        // A parsed request always serialises.
        let fingerprint = Sha256::digest(serde_json::to_vec(content).unwrap_or_default()).to_vec();
        Self {
            operation,
            client: client.to_string(),
            key,
            fingerprint,
        }
    }

    /// Returns the key, if the client sent one.
    pub const fn key(&self) -> Option<&IdempotencyKey> {
        self.key.as_ref()
    }

    /// Returns the SHA-256 of the content: 32 bytes.
    pub fn fingerprint(&self) -> &[u8] {
        &self.fingerprint
    }
}
