//! The terms of a search.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use text::{Phrase, index_words, search_phrases};

/// The terms of a search. A listing matches if it contains each of them.
///
/// A blank text has no terms (`None`) and filters nothing. Another text without a letter, number or symbol has an empty list
/// of terms and matches nothing.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub(crate) struct SearchTerms(Option<Vec<SearchTerm>>);

/// A phrase that a search looks for. Its text is that of FTS5, also in cursors: `"goldberg var"*`
/// (<https://sqlite.org/fts5.html#full_text_query_syntax>).
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub(crate) struct SearchTerm(Phrase);

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
        self.iter()
            .map(|term| size_of::<SearchTerm>() + term.0.words.capacity())
            .sum()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &SearchTerm> {
        self.0.iter().flatten()
    }

    /// Returns whether each term is in at least one of the texts, by the rules of the full-text index. Not for a search
    /// that [matches nothing](Self::matches_nothing).
    pub(crate) fn are_in<'t>(&self, texts: impl IntoIterator<Item = &'t str>) -> bool {
        let mut missing: Vec<_> = self.iter().collect();
        for text in texts {
            if missing.is_empty() {
                break;
            }
            let words = index_words(text);
            missing.retain(|term| !term.0.is_in(&words));
        }
        missing.is_empty()
    }
}

impl SearchTerm {
    pub(crate) fn of_whole_words(words: String) -> Self {
        Self(Phrase {
            words,
            is_prefix: false,
        })
    }

    /// Returns the prefix of words that the term is; `None` for whole words and for phrases.
    pub(crate) fn prefix(&self) -> Option<&str> {
        let is_prefix = self.0.is_prefix && !self.0.words.contains(' ');
        is_prefix.then_some(self.0.words.as_str())
    }
}

/// The phrase is quoted, so that none of it is syntax.
impl fmt::Display for SearchTerm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.0.words.replace('"', "\"\"");
        write!(f, "\"{words}\"{}", if self.0.is_prefix { "*" } else { "" })
    }
}

impl From<SearchTerm> for String {
    fn from(term: SearchTerm) -> Self {
        term.to_string()
    }
}

impl From<String> for SearchTerm {
    fn from(text: String) -> Self {
        let quoted = text.strip_suffix('*').unwrap_or(&text);
        let words = quoted.strip_prefix('"').and_then(|words| words.strip_suffix('"'));
        Self(Phrase {
            words: words.unwrap_or_default().replace("\"\"", "\""),
            is_prefix: text.ends_with('*'),
        })
    }
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
        Ok(Self(Some(phrases.into_iter().map(SearchTerm).collect())))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(search: &str) -> String {
        let terms: SearchTerms = search.parse().unwrap();
        terms.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn search_text_is_never_fts_syntax() {
        assert_eq!(texts("rock roll"), r#""rock"* "roll"*"#);
        assert_eq!(
            texts(r#"a"b OR NEAR(x* -y title:z ^"#),
            r#""a b" "or"* "near x" "y" "title z" "^""#
        );
        assert_eq!(texts("nu\0ll"), r#""nu"* "ll"*"#);
        assert_eq!(texts("音楽会"), r#""音楽 楽会""#);
    }

    #[test]
    fn terms_are_in_texts_that_contain_each_of_them() {
        let are_in =
            |search: &str, texts: &[&str]| search.parse::<SearchTerms>().unwrap().are_in(texts.iter().copied());
        assert!(are_in("bach vari", &["Die Goldberg-Variationen", "J. S. Bach"]));
        assert!(are_in("goldberg-var", &["Die Goldberg-Variationen"]));
        assert!(!are_in("bach vari", &["Die Goldberg-Variationen", "Glenn Gould"]));
        assert!(!are_in("goldberg-bach", &["Goldberg", "Bach"]));
        assert!(!are_in("berg", &["Die Goldberg-Variationen"]));
    }

    proptest! {
        #[test]
        fn a_term_is_read_from_its_text(words in "\\PC{0,9}", is_prefix: bool) {
            let term = SearchTerm(Phrase { words, is_prefix });
            prop_assert_eq!(SearchTerm::from(term.to_string()), term);
        }
    }

    #[test]
    fn a_blank_text_filters_nothing_and_a_text_of_punctuation_matches_nothing() {
        for blank in ["", "  ", "\u{3000}"] {
            assert!(blank.parse::<SearchTerms>().unwrap().is_empty(), "{blank:?}");
        }
        for text in ["!?", "\"", "\0", "* - .", "\u{200b}"] {
            let terms: SearchTerms = text.parse().unwrap();
            assert!(terms.matches_nothing() && !terms.is_empty(), "{text:?}");
            assert_eq!(terms.iter().count(), 0);
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
