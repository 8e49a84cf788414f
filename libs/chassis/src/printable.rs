use std::fmt::Write;

/// Returns a text of unknown origin as one line that is safe to print: control characters and invisible characters that
/// change the direction or the order of the text are escaped, `\u{1b}`.
pub fn printable(text: &str) -> String {
    escape(text, |_| false)
}

/// Returns a text of several lines that is safe to print, as [`printable`]. Line feeds are kept.
pub fn printable_lines(text: &str) -> String {
    escape(text, |character| character == '\n')
}

fn escape(text: &str, is_kept: impl Fn(char) -> bool) -> String {
    text.chars()
        .fold(String::with_capacity(text.len()), |mut safe, character| {
            if is_unsafe(character) && !is_kept(character) {
                let _ = write!(safe, "{}", character.escape_default());
            } else {
                safe.push(character);
            }
            safe
        })
}

/// Whether a terminal would interpret the character instead of showing it.
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            // Zero-width characters, marks of direction, line and paragraph separators, byte order mark.
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_character_controls_the_terminal() {
        let hostile = "\x1b[2J\x1b]0;title\x07 a\r\nb\tc \u{9b}31m \u{7f} \u{202e}txt\u{0}";
        let safe = printable(hostile);
        assert_eq!(
            safe,
            r"\u{1b}[2J\u{1b}]0;title\u{7} a\r\nb\tc \u{9b}31m \u{7f} \u{202e}txt\u{0}"
        );
        assert_eq!(printable_lines("a\r\n\x1bb"), "a\\r\n\\u{1b}b");
    }

    #[test]
    fn readable_text_is_unchanged() {
        let text = r#"{"title": "Café – Привет 日本 🎟", "path": "C:\\x"}"#;
        assert_eq!(printable(text), text);
    }
}
