use std::fmt;

use icu_normalizer::ComposingNormalizerBorrowed;
use text::Email;
use zeroize::Zeroizing;

use super::common_passwords::is_common;

/// A password. It is never formatted, and its memory is zeroed.
///
/// Normalised to Unicode NFC: whether accents are composed depends on the keyboard.
#[derive(Clone)]
pub(crate) struct Password(Zeroizing<String>);

/// The text is not allowed as a new password.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum InvalidPassword {
    /// Too short or too long.
    #[error("must have 8 to 128 characters")]
    Length,
    /// One of those that are tried first.
    #[error("must not be one of the most used passwords")]
    Common,
    /// The email address of the account, or the part before the @.
    #[error("must not be the email address or its first part")]
    Address,
}

impl Password {
    /// The minimum number of characters (Unicode scalar values) of a new password (NIST SP 800-63B-4, section 3.1.1.2).
    pub(crate) const MIN_CHARS: usize = 8;

    /// The maximum, because hashing reads them all.
    pub(crate) const MAX_CHARS: usize = 128;

    /// Parses a new password: 8 to 128 characters of any script, counted as they were typed, and none of the most used ones.
    pub(crate) fn parse(typed: String) -> Result<Self, InvalidPassword> {
        if !(Self::MIN_CHARS..=Self::MAX_CHARS).contains(&typed.chars().count()) {
            return Err(InvalidPassword::Length);
        }
        let password = Self::from_typed(typed);
        if is_common(&password.0) {
            return Err(InvalidPassword::Common);
        }
        Ok(password)
    }

    /// Refuses the address of the account, and the part before the @, in upper or lower case.
    pub(crate) fn ensure_not_address(&self, email: &Email) -> Result<(), InvalidPassword> {
        if email.is_spelled(&self.0) {
            return Err(InvalidPassword::Address);
        }
        Ok(())
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
            "12345679 0",
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
    fn neither_a_most_used_password_nor_the_address_is_a_password() {
        for common in ["password", "Password", "12345678", "QWERTYUIOP"] {
            assert_eq!(Password::parse(common.to_owned()).err(), Some(InvalidPassword::Common));
        }
        let email = Email::parse("Ada.Lovelace@bücher.example").unwrap();
        for typed in [
            "ada.lovelace@bücher.example",
            "ADA.LOVELACE@BÜCHER.EXAMPLE",
            "ada.lovelace@xn--bcher-kva.example",
            "Ada.Lovelace",
            "ada.lovelace@",
        ] {
            let password = Password::from_typed(typed.to_owned());
            assert_eq!(
                password.ensure_not_address(&email),
                Err(InvalidPassword::Address),
                "{typed}"
            );
        }
        for other in ["ada.lovelace1", "ada lovelace", "bücher.example"] {
            Password::from_typed(other.to_owned())
                .ensure_not_address(&email)
                .unwrap();
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
