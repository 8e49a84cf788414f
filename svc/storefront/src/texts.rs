//! The texts of the pages, in each language.

use std::sync::LazyLock;

use localization::{Messages, Texts};
use values::Language;

/// Returns the files with a name: one for each language.
macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        &[$(
            (Language::English, include_str!(concat!("../texts/en/", $name, ".ftl"))),
            (Language::German, include_str!(concat!("../texts/de/", $name, ".ftl"))),
        )+]
    };
}

/// One file for each part of the pages.
const FILES: &[(Language, &str)] = files![
    "layout",
    "errors",
    "events",
    "account",
    "developers",
    "orders",
    "mails",
    "settings",
    "tickets",
    "transfers",
    "check-in",
    "sell",
];

static MESSAGES: LazyLock<Messages> = LazyLock::new(|| Messages::embedded(FILES));

/// Returns the texts in a language.
pub(crate) fn texts(language: Language) -> Texts<'static> {
    MESSAGES.in_language(language)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_exists_in_each_language_and_is_used() {
        let package = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let defects = localization::verify(FILES, package).unwrap();
        assert!(defects.is_empty(), "{}", defects.join("\n"));
    }
}
