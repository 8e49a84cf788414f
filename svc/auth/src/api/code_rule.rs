use std::fmt::Display;

use input::TextRule;

/// A code of an authenticator, or a recovery code.
pub(super) struct CodeRule;

impl TextRule for CodeRule {
    type Value = String;
    const MIN_CHARS: usize = 1;
    const MAX_CHARS: usize = 40;

    fn parse(text: String) -> Result<String, impl Display> {
        Ok::<_, &'static str>(text.trim().to_owned())
    }
}

/// The challenge of the first step of a sign-in. Whether it is one, the use case decides.
pub(super) struct ChallengeRule;

impl TextRule for ChallengeRule {
    type Value = String;
    const MAX_CHARS: usize = 200;

    fn parse(text: String) -> Result<String, impl Display> {
        Ok::<_, &'static str>(text)
    }
}
