//! The terms of a search.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use text::{Phrase, search_phrases};

/// The terms of a search: phrases of FTS5. A listing matches if it contains each of them.
///
/// A blank text has no terms (`None`) and filters nothing. Another text without a letter, number or symbol has an empty list
/// of terms and matches nothing.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub(crate) struct SearchTerms(Option<Vec<String>>);

/// A search with too many terms or characters.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "must have at most {max_chars} characters, {max_terms} words, and {max_parts} letters of scripts without spaces",
    max_chars = SearchTerms::MAX_CHARS,
    max_terms = SearchTerms::MAX_TERMS,
    max_parts = SearchTerms::MAX_PARTS,
)]
pub(crate) struct SearchTooLong;

impl SearchTerms {
    /// The maximum number of terms that white space separates.
    pub(crate) const MAX_TERMS: usize = 16;
    /// The maximum number of words of the index that one search looks for.
    pub(crate) const MAX_PARTS: usize = 64;
    /// The maximum length of a search in characters.
    pub(crate) const MAX_CHARS: usize = 200;

    /// Whether the search filters nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Whether no listing matches.
    pub(crate) fn matches_nothing(&self) -> bool {
        self.0.as_ref().is_some_and(Vec::is_empty)
    }

    /// Returns about the number of bytes that the terms occupy.
    pub(crate) fn size(&self) -> usize {
        let terms = self.0.iter().flatten();
        terms.map(|term| size_of::<String>() + term.capacity()).sum()
    }

    /// Returns the FTS5 expression. `None` without terms.
    pub(crate) fn fts_expression(&self) -> Option<String> {
        let terms = self.0.as_ref().filter(|terms| !terms.is_empty())?;
        Some(terms.join(" "))
    }
}

/// Returns a phrase quoted, so that none of it is syntax (<https://sqlite.org/fts5.html#full_text_query_syntax>).
fn quoted(phrase: &Phrase) -> String {
    let words = phrase.words.replace('"', "\"\"");
    format!("\"{words}\"{}", if phrase.is_prefix { "*" } else { "" })
}

impl FromStr for SearchTerms {
    type Err = SearchTooLong;

    fn from_str(text: &str) -> Result<Self, SearchTooLong> {
        if text.chars().nth(Self::MAX_CHARS).is_some() {
            return Err(SearchTooLong);
        }
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let terms = text
            .split_whitespace()
            .filter(|term| term.contains(char::is_alphanumeric));
        let phrases = search_phrases(text);
        let parts = phrases.iter().flat_map(|phrase| phrase.words.split(' '));
        if terms.count() > Self::MAX_TERMS || parts.count() > Self::MAX_PARTS {
            return Err(SearchTooLong);
        }
        Ok(Self(Some(phrases.iter().map(quoted).collect())))
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
            r#""a b" "or"* "near x" "y" "title z" "^""#
        );
        assert_eq!(expression("nu\0ll").unwrap(), r#""nu"* "ll"*"#);
        assert_eq!(expression("音楽会").unwrap(), r#""音楽 楽会""#);
    }

    #[test]
    fn a_blank_text_filters_nothing_and_a_text_of_punctuation_matches_nothing() {
        for blank in ["", "  ", "\u{3000}"] {
            assert!(blank.parse::<SearchTerms>().unwrap().is_empty(), "{blank:?}");
        }
        for text in ["!?", "\"", "\0", "* - .", "\u{200b}"] {
            let terms: SearchTerms = text.parse().unwrap();
            assert!(terms.matches_nothing() && !terms.is_empty(), "{text:?}");
            assert_eq!(terms.fts_expression(), None);
        }
    }

    #[test]
    fn a_search_has_at_most_16_words_64_parts_and_200_characters() {
        assert!("a ".repeat(16).parse::<SearchTerms>().is_ok());
        assert_eq!("a ".repeat(17).parse::<SearchTerms>(), Err(SearchTooLong));
        assert_eq!("ä".repeat(201).parse::<SearchTerms>(), Err(SearchTooLong));
        let han = |count: u32| (0x4e00..0x4e00 + count).filter_map(char::from_u32).collect::<String>();
        assert!(han(65).parse::<SearchTerms>().is_ok());
        assert_eq!(han(66).parse::<SearchTerms>(), Err(SearchTooLong));
        assert_eq!("a-".repeat(100).parse::<SearchTerms>(), Err(SearchTooLong));
    }
}
