use icu_normalizer::ComposingNormalizerBorrowed;

use crate::characters::{is_line_separator, is_removed, is_visible};

/// Why a text is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvalidText {
    /// It is blank: nothing but white space.
    #[error("must not be empty")]
    Blank,
    /// It contains nothing that can be seen, although it is not blank.
    #[error("must contain a visible character")]
    Invisible,
    /// It has more characters than allowed: so many.
    #[error("must have at most {0} characters")]
    TooLong(usize),
    /// It contains a control character.
    #[error("must not contain control characters")]
    Control,
}

/// Parses a text in one line: see the README of this crate. Returns it as it is stored and shown.
///
/// The length is that of the text as it was sent, white space included, so that a client can check it. The composed form
/// may be longer than that; then its length counts.
pub fn parse_line(text: &str, max_chars: usize) -> Result<String, InvalidText> {
    check(text, max_chars, |char| char.is_control() || is_line_separator(char))?;
    compose(text, max_chars)
}

/// Parses a text in any number of lines, as [`parse_line`] does.
pub fn parse_lines(text: &str, max_chars: usize) -> Result<String, InvalidText> {
    let is_refused = |char: char| char.is_control() && !matches!(char, '\n' | '\r' | '\t');
    check(text, max_chars, is_refused)?;
    compose(text, max_chars)
}

fn check(text: &str, max_chars: usize, is_refused: impl Fn(char) -> bool) -> Result<(), InvalidText> {
    if text.chars().nth(max_chars).is_some() {
        Err(InvalidText::TooLong(max_chars))
    } else if text.chars().any(is_refused) {
        Err(InvalidText::Control)
    } else if text.trim().is_empty() {
        Err(InvalidText::Blank)
    } else {
        Ok(())
    }
}

fn compose(text: &str, max_chars: usize) -> Result<String, InvalidText> {
    let mut before = None;
    let kept: String = text
        .chars()
        .filter(|char| {
            let is_kept = !is_removed(*char, before);
            if is_kept {
                before = Some(*char);
            }
            is_kept
        })
        .collect();
    let composed = ComposingNormalizerBorrowed::new_nfc()
        .normalize(kept.trim())
        .into_owned();
    if !composed.chars().any(is_visible) {
        Err(InvalidText::Invisible)
    } else if composed.chars().nth(max_chars).is_some() {
        Err(InvalidText::TooLong(max_chars))
    } else {
        Ok(composed)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_of_invisible_characters_is_refused() {
        for text in [
            " \u{3000}\u{200b}",
            "\u{200b}\u{200b}",
            "\u{200d}\u{feff}",
            "\u{2060}\u{2063}",
            "\u{202e}",
            "\u{2066}\u{2069}",
            "\u{115f}\u{1160}",
            "\u{3164}",
            "\u{ffa0}",
            "\u{2800}\u{2800}",
            "\u{fe0f}",
            "\u{e0100}",
            "\u{e0041}\u{e0042}",
            "\u{301}\u{302}",
            "\u{ad}",
            "\u{34f}",
            "\u{17b4}\u{180b}",
            "\u{e000}",
            "\u{378}",
            "\u{1bca0}\u{1d173}",
        ] {
            assert_eq!(parse_line(text, 200), Err(InvalidText::Invisible), "{text:?}");
            assert_eq!(parse_lines(text, 200), Err(InvalidText::Invisible), "{text:?}");
        }
        for text in ["", " ", " \u{3000}\u{a0}"] {
            assert_eq!(parse_line(text, 200), Err(InvalidText::Blank), "{text:?}");
        }
    }

    #[test]
    fn what_is_needed_to_show_a_text_stays() {
        for text in [
            "Concert \u{1F3B8}",
            "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}",
            "\u{2764}\u{fe0f}",
            "\u{1F3F4}\u{e0067}\u{e0062}\u{e0077}\u{e006c}\u{e0073}\u{e007f} in Cardiff",
            "می\u{200c}خواهم",
            "क\u{94d}\u{200d}ष",
            "音楽会",
            "가나다",
            "!!!",
            "\u{e000} with a private sign",
            "C\u{ad}on",
        ] {
            assert_eq!(parse_line(text, 200).as_deref(), Ok(text));
        }
    }

    #[test]
    fn a_text_is_composed_and_cannot_change_its_direction() {
        for (text, shown) in [
            ("  Cafe\u{301} ", "Café"),
            ("\u{202e}trecnoC\u{202c}", "trecnoC"),
            ("a\u{2067}b\u{61c}c\u{200f}", "abc"),
            ("\u{feff}Con\u{2060}cert\u{e0041}", "Concert"),
            ("\u{200e} Concert \u{200e}", "Concert"),
            ("한\u{3164}글", "한글"),
        ] {
            assert_eq!(parse_line(text, 200).as_deref(), Ok(shown), "{text:?}");
        }
    }

    #[test]
    fn only_a_text_of_several_lines_has_line_breaks() {
        for text in [
            "one\ntwo",
            "one\u{2028}two",
            "one\u{2029}two",
            "tab\tstop",
            "nul\0",
            "\u{85}\u{7f}",
        ] {
            assert_eq!(parse_line(text, 200), Err(InvalidText::Control), "{text:?}");
        }
        assert_eq!(
            parse_lines(" one\r\n\ttwo\u{2028}\n", 200).as_deref(),
            Ok("one\r\n\ttwo")
        );
        assert_eq!(parse_lines("nul\0l", 200), Err(InvalidText::Control));
    }

    #[test]
    fn the_length_is_that_of_the_text_as_sent_and_as_stored() {
        assert!(parse_line(&"ö".repeat(200), 200).is_ok(), "characters, not bytes");
        assert_eq!(parse_line(&"x".repeat(201), 200), Err(InvalidText::TooLong(200)));
        assert_eq!(
            parse_line(&format!("x{}", " ".repeat(200)), 200),
            Err(InvalidText::TooLong(200))
        );
        // Composed, this character is two.
        assert_eq!(parse_line(&"\u{958}".repeat(101), 200), Err(InvalidText::TooLong(200)));
    }

    proptest! {
        #[test]
        fn a_parsed_text_is_parsed_to_itself(text in "\\PC{0,20}|[\u{200b}-\u{206f}\u{e0000}-\u{e007f}a\u{1F3F4}\u{301} ]{0,12}") {
            if let Ok(parsed) = parse_line(&text, 200) {
                prop_assert_eq!(parse_line(&parsed, 200), Ok(parsed));
            }
        }
    }
}
