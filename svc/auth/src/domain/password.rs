use std::fmt;

use icu_normalizer::ComposingNormalizerBorrowed;
use zeroize::Zeroizing;

/// A password. It is never formatted, and its memory is zeroed.
///
/// Normalised to Unicode NFC: whether accents are composed depends on the keyboard.
#[derive(Clone)]
pub(crate) struct Password(Zeroizing<String>);

/// The text is not allowed as a new password.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must have 8 to 128 characters")]
pub(crate) struct InvalidPassword;

impl Password {
    /// The minimum number of characters (Unicode scalar values) of a new password (NIST SP 800-63B-4, section 3.1.1.2).
    pub(crate) const MIN_CHARS: usize = 8;

    /// The maximum, because hashing reads them all.
    pub(crate) const MAX_CHARS: usize = 128;

    /// Parses a new password: 8 to 128 characters of any script, counted as they were typed.
    pub(crate) fn parse(typed: String) -> Result<Self, InvalidPassword> {
        if (Self::MIN_CHARS..=Self::MAX_CHARS).contains(&typed.chars().count()) {
            Ok(Self::from_typed(typed))
        } else {
            Err(InvalidPassword)
        }
    }

    /// Normalises a password that was typed to sign in. The rules for new passwords do not apply.
    pub(crate) fn from_typed(typed: String) -> Self {
        let typed = Zeroizing::new(typed);
        Self(Zeroizing::new(
            ComposingNormalizerBorrowed::new_nfc().normalize(&typed).into_owned(),
        ))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[password]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_has_8_to_128_characters_of_any_script() {
        for good in [
            "12345678",
            "πάσχω να μην ξεχνώ",
            "🎟🎟🎟🎟🎟🎟🎟🎟",
            "        ",
            &"é".repeat(128),
        ] {
            Password::parse(good.to_owned()).unwrap();
        }
        for bad in ["", "1234567", "🎟🎟🎟", &"a".repeat(129)] {
            assert!(Password::parse(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn composed_and_decomposed_accents_are_the_same_password() {
        let (composed, decomposed) = ("caf\u{e9} noir", "cafe\u{301} noir");
        assert_eq!(
            Password::from_typed(composed.to_owned()).as_bytes(),
            Password::from_typed(decomposed.to_owned()).as_bytes()
        );
    }

    #[test]
    fn a_password_is_never_formatted() {
        assert_eq!(
            format!("{:?}", Password::from_typed("correct horse".to_owned())),
            "[password]"
        );
    }
}
