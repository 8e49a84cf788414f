use fluent_bundle::{FluentResource, FluentValue, concurrent::FluentBundle, memoizer::MemoizerKind};
use unic_langid::LanguageIdentifier;
use values::Language;

use crate::{format_number, text::Text};

/// The messages of each language.
pub struct Messages {
    english: Bundle,
    german: Bundle,
}

/// The messages of one language.
pub(crate) type Bundle = FluentBundle<FluentResource>;

/// A Fluent file that cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("messages in the language {language} are malformed: {reason}")]
pub struct MalformedMessages {
    language: Language,
    reason: String,
}

/// The messages in one language.
#[derive(Clone, Copy)]
pub struct Texts<'a> {
    bundle: &'a Bundle,
    language: Language,
}

impl Messages {
    /// Parses Fluent files. A language may have several; no message may be in two of them.
    ///
    /// # Errors
    ///
    /// A file has a syntax error, or two messages have the same id.
    pub fn parse(files: &[(Language, &str)]) -> Result<Self, MalformedMessages> {
        let bundle = |language| {
            let mut bundle = empty_bundle(language);
            for (_, file) in files.iter().filter(|(of, _)| *of == language) {
                add(&mut bundle, file).map_err(|reason| MalformedMessages { language, reason })?;
            }
            Ok(bundle)
        };
        Ok(Self {
            english: bundle(Language::English)?,
            german: bundle(Language::German)?,
        })
    }

    /// Parses Fluent files that are part of the program.
    ///
    /// # Panics
    ///
    /// If a file is malformed, which a test with [`verify`](crate::verify) prevents.
    pub fn embedded(files: &[(Language, &str)]) -> Self {
        match Self::parse(files) {
            Ok(messages) => messages,
            Err(malformed) => panic!("{malformed}"),
        }
    }

    /// Returns the messages in a language.
    pub const fn in_language(&self, language: Language) -> Texts<'_> {
        let bundle = match language {
            Language::English => &self.english,
            Language::German => &self.german,
        };
        Texts { bundle, language }
    }
}

impl std::fmt::Debug for Messages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[messages]")
    }
}

impl std::fmt::Debug for Texts<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[messages in {}]", self.language)
    }
}

impl<'a> Texts<'a> {
    /// Returns the language.
    pub const fn language(self) -> Language {
        self.language
    }

    /// Returns a message, to which [`Text::with`] adds the values of its variables. A template escapes it like any other text.
    pub const fn text(self, id: &'a str) -> Text<'a> {
        Text::new(self.bundle, id)
    }
}

fn empty_bundle(language: Language) -> Bundle {
    let mut bundle = FluentBundle::new_concurrent(vec![identifier(language)]);
    // Marks around values would be part of subjects, and of texts that people copy. Pages use <bdi>.
    bundle.set_use_isolating(false);
    bundle.set_formatter(Some(match language {
        Language::English => format_english,
        Language::German => format_german,
    }));
    bundle
}

fn add(bundle: &mut Bundle, file: &str) -> Result<(), String> {
    let resource = FluentResource::try_new(file.to_owned())
        .map_err(|(_, errors)| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))?;
    bundle
        .add_resource(resource)
        .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

fn identifier(language: Language) -> LanguageIdentifier {
    // The undetermined language is never needed: our tags are well-formed.
    language.as_str().parse().unwrap_or_default()
}

/// Writes whole numbers with groups of three digits. Other values are written by Fluent.
fn format_english<M: MemoizerKind>(value: &FluentValue<'_>, _: &M) -> Option<String> {
    Some(format_number(Language::English, whole_number(value)?))
}

/// Writes whole numbers with groups of three digits. Other values are written by Fluent.
fn format_german<M: MemoizerKind>(value: &FluentValue<'_>, _: &M) -> Option<String> {
    Some(format_number(Language::German, whole_number(value)?))
}

fn whole_number(value: &FluentValue<'_>) -> Option<i64> {
    match value {
        FluentValue::Number(number) => number.as_string().parse().ok(),
        _ => None,
    }
}
