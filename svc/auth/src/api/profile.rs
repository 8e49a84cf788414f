//! What a user states about the account.

use std::{cmp::Reverse, fmt::Display};

use input::{Kept, Text, TextRule};
use poem::{FromRequest, Request, RequestBody, http::header};
use values::Language;

use crate::domain::Name;

input::object! {
    /// A change of the account. A field that is left out stays.
    #[secret]
    pub(super) struct ProfileChange {
        /// The name to print on tickets, one line of at most 100 characters; `null` removes it.
        pub(super) name as "name": Kept<Option<Text<NameRule>>>,
        /// The language of mails: `en` or `de`.
        pub(super) language as "language": Option<Text<LanguageRule>>,
    }
    example: {"name": "Ada Lovelace", "language": "en"}
}

/// The name of a user.
pub(super) struct NameRule;

impl TextRule for NameRule {
    type Value = Name;
    const MIN_CHARS: usize = 1;
    const MAX_CHARS: usize = Name::MAX_CHARS;

    fn parse(text: String) -> Result<Name, impl Display> {
        Name::parse(&text)
    }
}

/// The texts of a [`Language`].
pub(super) struct LanguageRule;

impl TextRule for LanguageRule {
    type Value = Language;
    const MAX_CHARS: usize = 2;
    const TEXTS: &'static [&'static str] = &["en", "de"];

    fn parse(text: String) -> Result<Language, impl Display> {
        text.parse::<Language>()
    }
}

/// The language that a client prefers (RFC 9110, section 12.5.4); English if it accepts none of ours.
pub(super) struct PreferredLanguage(pub(super) Language);

impl<'a> FromRequest<'a> for PreferredLanguage {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        let values = request.headers().get_all(header::ACCEPT_LANGUAGE);
        let texts = values.iter().filter_map(|value| value.to_str().ok());
        Ok(Self(preferred(texts.flat_map(|text| text.split(',')))))
    }
}

/// Returns our language with the highest weight; of several, the first.
fn preferred<'a>(ranges: impl Iterator<Item = &'a str>) -> Language {
    let weighted = ranges.take(50).filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let tag = parts.next()?;
        let primary = tag.split('-').next()?.to_ascii_lowercase();
        let weight = parts
            .find_map(|part| part.strip_prefix("q="))
            .map_or(Some(1000), thousandths)?;
        Some((primary.parse().ok()?, weight))
    });
    let accepted = weighted.filter(|(_, weight)| *weight > 0);
    let best = accepted.min_by_key(|(_, weight)| Reverse(*weight));
    best.map_or_else(Language::default, |(language, _)| language)
}

/// Parses a weight, 0 to 1 with three decimals at most.
fn thousandths(weight: &str) -> Option<u32> {
    let (whole, decimals) = weight.split_once('.').unwrap_or((weight, ""));
    let decimals = format!("{decimals:0<3}");
    let decimals = decimals.get(..3)?.parse::<u32>().ok()?;
    Some((whole.parse::<u32>().ok()?.checked_mul(1000)? + decimals).min(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_language_is_ours_with_the_highest_weight() {
        for (header, expected) in [
            ("", Language::English),
            ("de", Language::German),
            ("de-AT, en;q=0.8", Language::German),
            ("fr, en;q=0.5, de;q=0.7", Language::German),
            ("de;q=0.5, en", Language::English),
            ("en, de", Language::English),
            ("DE-de;q=1.0, en;q=0.9", Language::German),
            ("de;q=0", Language::English),
            ("de;q=nonsense", Language::English),
            ("*", Language::English),
            ("\u{fc};q=1,,;", Language::English),
        ] {
            assert_eq!(preferred(header.split(',')), expected, "{header}");
        }
    }
}
