use std::sync::Arc;

use icu_normalizer::ComposingNormalizerBorrowed;
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

/// The length limit of the part before the @ (RFC 5321, section 4.5.3.1.1).
const MAX_LOCAL_BYTES: usize = 64;

/// An email address, `name@domain.tld`, also in other scripts than Latin.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Email {
    typed: Arc<str>,
    key: Arc<str>,
}

/// The text is not an email address.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvalidEmail {
    /// Malformed.
    #[error("must be an email address such as ada@example.com")]
    Form,
    /// Too long to be delivered to.
    #[error("must have at most 254 bytes, and at most 64 of them before the @")]
    TooLong,
}

impl Email {
    /// The length limit of an address that can be delivered to (RFC 5321, section 4.5.3.1.3, without the brackets).
    pub const MAX_BYTES: usize = 254;

    /// Parses an address as it was typed. Surrounding spaces are refused, not trimmed.
    ///
    /// Quoted names and IP addresses instead of domains (RFC 5321) are refused, because they are not used in practice.
    ///
    /// # Errors
    ///
    /// It is malformed, or too long to be delivered to.
    pub fn parse(typed: &str) -> Result<Self, InvalidEmail> {
        let (local, domain) = typed.rsplit_once('@').ok_or(InvalidEmail::Form)?;
        if typed.len() > Self::MAX_BYTES || local.len() > MAX_LOCAL_BYTES {
            return Err(InvalidEmail::TooLong);
        }
        let dots_separate = local.split('.').all(|part| !part.is_empty());
        if !dots_separate || !local.chars().all(|char| char == '.' || is_atom(char)) {
            return Err(InvalidEmail::Form);
        }
        let domain = canonical(domain).ok_or(InvalidEmail::Form)?;
        Ok(Self {
            typed: typed.into(),
            key: format!("{}@{domain}", fold(local)).into(),
        })
    }

    /// Returns the address as it was typed.
    pub fn as_str(&self) -> &str {
        &self.typed
    }

    /// Whether a text is this address, in any spelling, or the part before the @.
    pub fn is_spelled(&self, text: &str) -> bool {
        let local = self.key.rsplit_once('@').map_or(&*self.key, |(local, _)| local);
        let is_address = Self::parse(text).is_ok_and(|other| other.key == self.key);
        is_address || fold(text.trim_end_matches('@')) == local
    }

    /// Returns the key of the address, the same for every spelling: upper and lower case, composed and decomposed accents, a domain in
    /// its own script and in ASCII.
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// Whether a name may contain the character: RFC 5322 (`atext`), and with RFC 6531 visible characters of other scripts.
fn is_atom(char: char) -> bool {
    if char.is_ascii() {
        char.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(char)
    } else {
        !char.is_control() && !char.is_whitespace() && !is_invisible(char)
    }
}

/// Whether the character is invisible, changes the direction of the text, or is unassigned: two addresses could look the
/// same.
fn is_invisible(char: char) -> bool {
    matches!(char,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{ffff}'
        | '\u{e0000}'..='\u{10ffff}')
}

/// Returns the domain as in the DNS: lower-case ASCII.
fn canonical(domain: &str) -> Option<String> {
    let ascii = Uts46::new()
        .to_ascii(
            domain.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
            DnsLength::Verify,
        )
        .ok()?;
    let (_, top) = ascii.rsplit_once('.')?;
    // An IP address is no domain.
    (!top.bytes().all(|byte| byte.is_ascii_digit())).then(|| ascii.into_owned())
}

/// Folds upper and lower case, and composes accents. Nothing else: mail servers keep other addresses apart.
fn fold(local: &str) -> String {
    let nfc = ComposingNormalizerBorrowed::new_nfc();
    let folded = nfc.normalize(local).chars().map(fold_case).collect::<String>();
    nfc.normalize(&folded).into_owned()
}

/// Folds the case of one letter, if upper and lower case are one letter each: so σ, ς and Σ are one, and ß is not ss. A letter
/// of another script is never folded to one of ASCII: ı is not i.
fn fold_case(letter: char) -> char {
    if letter.is_ascii() {
        return letter.to_ascii_lowercase();
    }
    let upper = only(letter.to_uppercase()).unwrap_or(letter);
    let lower = only(upper.to_lowercase()).unwrap_or(upper);
    if lower.is_ascii() { letter } else { lower }
}

fn only(mut letters: impl Iterator<Item = char>) -> Option<char> {
    letters.next().filter(|_| letters.next().is_none())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(typed: &str) -> String {
        Email::parse(typed)
            .unwrap_or_else(|_| panic!("{typed}"))
            .key()
            .to_owned()
    }

    #[test]
    fn valid_addresses_are_kept_as_they_were_typed() {
        for typed in [
            "ada@example.com",
            "Ada.Lovelace+tickets@Sub.Example.co.uk",
            "o'brien@example.ie",
            "a@b.io",
            "用户@例子.公司",
            "jörg@bücher.example",
            "!#$%&'*+-/=?^_`{|}~@example.com",
        ] {
            assert_eq!(Email::parse(typed).unwrap().as_str(), typed);
        }
        Email::parse(&format!("{}@example.com", "a".repeat(64))).unwrap();
    }

    #[test]
    fn an_address_that_cannot_receive_mail_is_refused() {
        for typed in [
            "",
            "@",
            "ada",
            "ada@",
            "@example.com",
            "ada@localhost",
            "ada@.com",
            "ada@example.",
            "ada@example..com",
            " ada@example.com",
            "ada@example.com ",
            "ada@example.com\n",
            "ada lovelace@example.com",
            "ada@exam ple.com",
            ".ada@example.com",
            "ada.@example.com",
            "a..da@example.com",
            "\"ada\"@example.com",
            "ada@[127.0.0.1]",
            "ada@127.0.0.1",
            "ada@-example.com",
            "ada@example-.com",
            "ada@exa_mple.com",
            "<ada@example.com>",
            "ada@bob@example.com",
            "ada\u{0}@example.com",
            "ada\u{200b}@example.com",
            "a\u{202e}da@example.com",
            "ada@example.com,bob@example.com",
            "ada;@example.com",
            "ada@xn--.com",
            "ada@exa\u{200d}mple.com",
        ] {
            assert_eq!(Email::parse(typed), Err(InvalidEmail::Form), "{typed:?}");
        }
        for typed in [
            format!("{}@example.com", "a".repeat(65)),
            format!("a@{}.com", "a.".repeat(130)),
        ] {
            assert_eq!(Email::parse(&typed), Err(InvalidEmail::TooLong));
        }
        assert_eq!(
            Email::parse(&format!("a@{}.com", "a".repeat(64))),
            Err(InvalidEmail::Form),
            "a label has 63"
        );
    }

    #[test]
    fn one_address_has_one_key_however_it_is_spelled() {
        assert_eq!(key("ADA@Example.COM"), "ada@example.com");
        assert_eq!(key("jo\u{308}rg@example.com"), key("J\u{d6}RG@example.com"));
        assert_eq!(key("ada@bücher.example"), key("ada@XN--BCHER-KVA.example"));
        assert_eq!(key("ΟΔΟΣ@example.com"), key("οδος@example.com"));
        assert_ne!(key("ada@example.com"), key("ada+1@example.com"));
        assert_ne!(key("a.da@example.com"), key("ada@example.com"));
    }

    #[test]
    fn addresses_that_mail_servers_keep_apart_have_different_keys() {
        for (one, other) in [
            ("straße", "strasse"),
            ("ada+tickets", "ada"),
            ("a.d.a", "ada"),
            ("ada-1", "ada"),
            ("jörg", "jorg"),
            ("jörg", "joerg"),
            ("ılgın", "ilgin"),
            ("\u{130}lgin", "ilgin"),
            ("\u{17f}traat", "straat"),
            ("\u{fb01}nn", "finn"),
            ("\u{ff41}da", "ada"),
            ("\u{b2}", "2"),
            ("ада", "ada"),
            ("łukasz", "lukasz"),
            ("æsop", "aesop"),
        ] {
            let (one, other) = (format!("{one}@example.com"), format!("{other}@example.com"));
            assert_ne!(key(&one), key(&other), "{one} {other}");
        }
        for (one, other) in [
            ("STRA\u{1e9e}E", "straße"),
            ("\u{212a}arl", "karl"),
            ("АДА", "ада"),
            ("ŁUKASZ", "łukasz"),
            ("JO\u{308}RG", "jörg"),
            ("ǅ", "ǆ"),
        ] {
            let (one, other) = (format!("{one}@example.com"), format!("{other}@example.com"));
            assert_eq!(key(&one), key(&other), "{one} {other}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_either_an_address_or_refused(text in "\\PC{0,20}@\\PC{0,20}") {
            if let Ok(email) = Email::parse(&text) {
                prop_assert_eq!(Email::parse(email.as_str()), Ok(email.clone()));
                let (local, _) = email.key().rsplit_once('@').unwrap();
                prop_assert_eq!(fold(local), local, "folding again changes nothing");
            }
        }
    }
}
