use text::InvalidText;

/// The name of a user: one line of visible text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Name(String);

impl Name {
    /// The maximum number of characters.
    pub(crate) const MAX_CHARS: usize = 100;

    /// Parses a name as it was typed. Surrounding spaces are removed.
    pub(crate) fn parse(typed: &str) -> Result<Self, InvalidText> {
        text::parse_line(typed, Self::MAX_CHARS).map(Self)
    }

    /// Returns a name that was stored or published.
    pub(crate) const fn from_stored(stored: String) -> Self {
        Self(stored)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}
