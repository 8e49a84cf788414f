//! The words of a search, as the full-text index understands them.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Words that are all to be found, each at the start of a word of the listing. Never more than [`Words::MOST`].
///
/// A text without a letter or a digit has no words, and then nothing is filtered by it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Words(Vec<String>);

/// A search that is too long.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must have at most {longest} characters and {most} words", longest = Words::LONGEST, most = Words::MOST)]
pub(crate) struct TooManyWords;

impl Words {
    /// The most words of one search.
    pub(crate) const MOST: usize = 16;
    /// The longest search, in characters.
    pub(crate) const LONGEST: usize = 200;

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As FTS5 has it: each word a quoted string, so that nothing in it is syntax, and the start of what it may match
    /// (<https://sqlite.org/fts5.html#full_text_query_syntax>).
    pub(crate) fn expression(&self) -> Option<String> {
        let quoted: Vec<_> = self
            .0
            .iter()
            .map(|word| format!("\"{}\"*", word.replace('"', "\"\"")))
            .collect();
        (!quoted.is_empty()).then(|| quoted.join(" "))
    }
}

impl FromStr for Words {
    type Err = TooManyWords;

    fn from_str(text: &str) -> Result<Self, TooManyWords> {
        if text.chars().nth(Self::LONGEST).is_some() {
            return Err(TooManyWords);
        }
        // A NUL would end FTS5's reading in the middle of a quoted string.
        let words = text.split(|char: char| char.is_whitespace() || char.is_control());
        let words: Vec<_> = words
            .filter(|word| word.contains(char::is_alphanumeric))
            .map(ToOwned::to_owned)
            .collect();
        if words.len() > Self::MOST {
            Err(TooManyWords)
        } else {
            Ok(Self(words))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(text: &str) -> Option<String> {
        text.parse::<Words>().unwrap().expression()
    }

    #[test]
    fn nothing_that_is_typed_is_syntax() {
        assert_eq!(expression("rock roll").unwrap(), r#""rock"* "roll"*"#);
        assert_eq!(
            expression(r#"a"b OR NEAR(x* -y title:z ^"#).unwrap(),
            r#""a""b"* "OR"* "NEAR(x*"* "-y"* "title:z"*"#
        );
        assert_eq!(expression("nu\0l").unwrap(), r#""nu"* "l"*"#);
    }

    #[test]
    fn what_has_no_word_searches_for_nothing() {
        for text in ["", "  ", "!?", "\"", "\0", "* - +"] {
            assert_eq!(expression(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_search_is_short() {
        assert!("a ".repeat(16).parse::<Words>().is_ok());
        assert_eq!("a ".repeat(17).parse::<Words>(), Err(TooManyWords));
        assert_eq!("ä".repeat(201).parse::<Words>(), Err(TooManyWords));
    }
}
