use std::fmt;

use icu_normalizer::ComposingNormalizerBorrowed;
use zeroize::Zeroizing;

/// The fewest characters (Unicode scalar values) of a new password (NIST SP 800-63B-4, section 3.1.1.2).
const FEWEST: usize = 8;

/// The most. There must be some, because hashing reads them all.
const MOST: usize = 128;

/// A password. It is never shown, and its memory is cleared.
///
/// Composed and decomposed accents are the same (Unicode NFC): which of them is typed depends on the keyboard.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

/// A text that may not become a password.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must have 8 to 128 characters")]
pub struct InvalidPassword;

impl Password {
    /// A new password: 8 to 128 characters, whichever.
    pub fn parse(typed: String) -> Result<Self, InvalidPassword> {
        let password = Self::typed(typed);
        if (FEWEST..=MOST).contains(&password.0.chars().count()) {
            Ok(password)
        } else {
            Err(InvalidPassword)
        }
    }

    /// What somebody typed to sign in. The rules for new passwords do not matter here.
    pub fn typed(typed: String) -> Self {
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
    fn accents_count_the_same_however_they_were_typed() {
        let (composed, decomposed) = ("caf\u{e9} noir", "cafe\u{301} noir");
        assert_eq!(
            Password::typed(composed.to_owned()).as_bytes(),
            Password::typed(decomposed.to_owned()).as_bytes()
        );
    }

    #[test]
    fn a_password_is_never_shown() {
        assert_eq!(
            format!("{:?}", Password::typed("correct horse".to_owned())),
            "[password]"
        );
    }
}
