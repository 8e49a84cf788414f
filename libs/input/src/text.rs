use std::{fmt, fmt::Display};

use poem_openapi::registry::MetaSchema;
use serde::{Serialize, Serializer};

use crate::{Errors, Field, Json, Place, field::read_text, types::inline_type};

/// The rules of a text in a body. The bounds are enforced and documented; `parse` enforces the rest, which `PATTERN` and
/// `FORMAT` document.
pub trait TextRule: 'static {
    /// What a valid text becomes.
    type Value: Send + Sync;

    /// The minimum length, in characters (Unicode scalar values).
    const MIN_CHARS: usize = 0;
    /// The maximum length, in characters.
    const MAX_CHARS: usize;
    /// A regular expression (ECMA-262) that every valid text matches.
    const PATTERN: Option<&'static str> = None;
    /// All valid texts, if they are few.
    const TEXTS: &'static [&'static str] = &[];
    /// The format, as JSON Schema names it.
    const FORMAT: Option<&'static str> = None;

    /// Parses a text within the bounds. The error completes the sentence "the field …".
    fn parse(text: String) -> Result<Self::Value, impl Display>;
}

/// A rule whose texts have a canonical form: texts that mean the same have the same.
pub trait CanonicalText: TextRule {
    /// Returns the canonical form.
    fn canonical(value: &Self::Value) -> Option<&str>;
}

/// A text that obeys a rule.
pub struct Text<R: TextRule>(pub R::Value);

inline_type!(
    [R: TextRule] Text<R>,
    "string_text",
    MetaSchema {
        min_length: Some(R::MIN_CHARS).filter(|min| *min > 0),
        max_length: Some(R::MAX_CHARS).filter(|_| R::TEXTS.is_empty()),
        enum_items: R::TEXTS.iter().map(|text| (*text).into()).collect(),
        pattern: R::PATTERN.map(ToOwned::to_owned),
        format: R::FORMAT,
        ..MetaSchema::new("string")
    }
);

impl<R: TextRule> Field for Text<R> {
    fn read(json: Json<'_>, place: &Place<'_>, errors: &mut Errors<'_>) -> Option<Self> {
        read_text(json, place, errors, |text| {
            let length = text.chars().take(R::MAX_CHARS + 1).count();
            if (R::MIN_CHARS..=R::MAX_CHARS).contains(&length) {
                return R::parse(text).map(Self).map_err(|error| error.to_string());
            }
            Err(match (R::MIN_CHARS, length) {
                (1, 0) => "must not be empty".to_owned(),
                (0 | 1, _) => format!("must have at most {} characters", R::MAX_CHARS),
                (min, _) => format!("must have {min} to {} characters", R::MAX_CHARS),
            })
        })
    }
}

impl<R: TextRule<Value: Clone>> Clone for Text<R> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<R: TextRule<Value: fmt::Debug>> fmt::Debug for Text<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<R: CanonicalText> Serialize for Text<R> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        R::canonical(&self.0).serialize(to)
    }
}
