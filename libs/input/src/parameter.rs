use std::fmt::Display;

use poem_openapi::{
    registry::MetaSchema,
    types::{ParseError, ParseFromParameter, ParseResult},
};

use crate::types::inline_type;

/// The rules of a parameter in a query, a path or a header.
pub trait ParameterRule: 'static {
    /// What a valid text becomes.
    type Value: Send + Sync;

    /// Returns the schema, which documents what `parse` enforces.
    fn schema() -> MetaSchema;

    /// Parses a text. The error completes the sentence "the parameter …".
    fn parse(text: &str) -> Result<Self::Value, impl Display>;
}

/// A parameter that obeys a rule. The lines of a repeated header are one list, separated by commas (RFC 9110, section 5.3).
#[derive(Debug)]
pub struct Parameter<R: ParameterRule>(pub R::Value);

inline_type!([R: ParameterRule] Parameter<R>, "parameter", R::schema());

impl<R: ParameterRule> ParseFromParameter for Parameter<R> {
    fn parse_from_parameter(text: &str) -> ParseResult<Self> {
        R::parse(text).map(Self).map_err(ParseError::custom)
    }

    fn parse_from_parameters<I: IntoIterator<Item = A>, A: AsRef<str>>(lines: I) -> ParseResult<Self> {
        let mut lines = lines.into_iter();
        let first = lines.next().ok_or_else(|| ParseError::custom("is required"))?;
        let all = lines.fold(first.as_ref().to_owned(), |all, line| {
            format!("{all}, {}", line.as_ref())
        });
        Self::parse_from_parameter(&all)
    }
}
