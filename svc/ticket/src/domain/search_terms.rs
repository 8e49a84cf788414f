//! The terms of a search.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The terms of a search. A listing matches if each term is the prefix of one of its words.
///
/// A text without a letter or a digit has no terms and filters nothing.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub(crate) struct SearchTerms(Vec<String>);

/// A search with too many terms or characters.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must have at most {max_chars} characters and {max_terms} words", max_chars = SearchTerms::MAX_CHARS, max_terms = SearchTerms::MAX_TERMS)]
pub(crate) struct SearchTooLong;

impl SearchTerms {
    /// The most terms of one search.
    pub(crate) const MAX_TERMS: usize = 16;
    /// The maximum length of a search in characters.
    pub(crate) const MAX_CHARS: usize = 200;

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns about the number of bytes that the terms occupy.
    pub(crate) fn size(&self) -> usize {
        self.0.iter().map(|term| size_of::<String>() + term.capacity()).sum()
    }

    /// Returns the FTS5 expression: each term quoted, so that none of it is syntax, and a prefix
    /// (<https://sqlite.org/fts5.html#full_text_query_syntax>). `None` without terms.
    pub(crate) fn fts_expression(&self) -> Option<String> {
        let quoted: Vec<_> = self
            .0
            .iter()
            .map(|term| format!("\"{}\"*", term.replace('"', "\"\"")))
            .collect();
        (!quoted.is_empty()).then(|| quoted.join(" "))
    }
}

impl FromStr for SearchTerms {
    type Err = SearchTooLong;

    fn from_str(text: &str) -> Result<Self, SearchTooLong> {
        if text.chars().nth(Self::MAX_CHARS).is_some() {
            return Err(SearchTooLong);
        }
        // FTS5 stops reading at a NUL, inside the quotes.
        let terms = text.split(|char: char| char.is_whitespace() || char.is_control());
        let terms: Vec<_> = terms
            .filter(|term| term.contains(char::is_alphanumeric))
            .map(ToOwned::to_owned)
            .collect();
        if terms.len() > Self::MAX_TERMS {
            Err(SearchTooLong)
        } else {
            Ok(Self(terms))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(text: &str) -> Option<String> {
        text.parse::<SearchTerms>().unwrap().fts_expression()
    }

    #[test]
    fn search_text_is_never_fts_syntax() {
        assert_eq!(expression("rock roll").unwrap(), r#""rock"* "roll"*"#);
        assert_eq!(
            expression(r#"a"b OR NEAR(x* -y title:z ^"#).unwrap(),
            r#""a""b"* "OR"* "NEAR(x*"* "-y"* "title:z"*"#
        );
        assert_eq!(expression("nu\0l").unwrap(), r#""nu"* "l"*"#);
    }

    #[test]
    fn a_text_without_letters_or_digits_has_no_terms() {
        for text in ["", "  ", "!?", "\"", "\0", "* - +"] {
            assert_eq!(expression(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_search_has_at_most_16_terms_and_200_characters() {
        assert!("a ".repeat(16).parse::<SearchTerms>().is_ok());
        assert_eq!("a ".repeat(17).parse::<SearchTerms>(), Err(SearchTooLong));
        assert_eq!("ä".repeat(201).parse::<SearchTerms>(), Err(SearchTooLong));
    }
}
