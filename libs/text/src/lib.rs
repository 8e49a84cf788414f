//! Texts that people write: what they may contain, and how they look the same.
//!
//! The rules go by the properties of the Unicode Character Database, not by lists of characters.

mod characters;
mod email;
mod rules;
mod search;

pub use email::{Email, InvalidEmail};
pub use rules::{InvalidText, parse_line, parse_lines};
pub use search::{Phrase, index_words, search_phrases};
