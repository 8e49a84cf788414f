//! The code of an admission: 16 random bytes, written in two ways.
//!
//! A QR code has `T1:` and 180 symbols of base 32: the listing, the admission and the code, 16 bytes each, and their Ed25519
//! signature, so that a door verifies it without the network. That fits a QR code of version 8 at level M.
//!
//! A person types 28 symbols in groups of four: the code, and two check symbols that detect any one wrong symbol, and two
//! neighbours in the wrong order.

use std::fmt;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use values::{AdmissionId, TicketId};

use crate::base32;

/// The beginning of the text of a QR code: its version.
const PREFIX: &str = "T1:";

/// What is signed begins with this, so that the signature is valid for nothing else.
const CONTEXT: &[u8] = b"ticketing admission 1\0";

/// The largest prime that two symbols can write.
const CHECK_MODULUS: u32 = 1021;

/// Symbols of the code in its short form, without the check symbols: 128 bits, and two that are zero.
const SHORT_SYMBOLS: usize = 26;

/// Symbols of the short form.
const TYPED_SYMBOLS: usize = SHORT_SYMBOLS + 2;

/// The longest text that is read.
const MAX_CHARS: usize = 256;

/// The random bytes of a code, which admit their holder.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CodeSecret([u8; 16]);

/// A text that is no code of an admission.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("is no code of a ticket: scan it again, or type the 28 letters and digits below the QR code")]
pub struct MalformedCode;

/// The private key that signs codes.
#[derive(Clone)]
pub struct CodeKey(SigningKey);

/// The public key that verifies codes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PublicKey(VerifyingKey);

/// A code as a QR code contains it. Its signature is not verified yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignedCode {
    /// The listing.
    pub ticket_id: TicketId,
    /// The admission.
    pub admission_id: AdmissionId,
    /// The code.
    pub secret: CodeSecret,
    signature: [u8; 64],
}

/// A code as it was scanned or typed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ScannedCode {
    /// A QR code.
    Signed(SignedCode),
    /// A short form.
    Typed(CodeSecret),
}

impl CodeSecret {
    /// Wraps random bytes.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the SHA-256 of the bytes, by which the code is found. It reveals nothing about 128 random bits.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }

    /// Returns the short form: `0123-4567-89AB-CDEF-GHJK-MNPQ-RSTV`.
    pub fn short_form(&self) -> String {
        let symbols = base32::encode(&self.0);
        let check = check(&symbols).unwrap_or_default();
        let mut text = String::with_capacity(TYPED_SYMBOLS + 6);
        let all = symbols
            .chars()
            .chain([base32::symbol(check >> 5), base32::symbol(check)]);
        for (index, symbol) in all.enumerate() {
            if index > 0 && index % 4 == 0 {
                text.push('-');
            }
            text.push(symbol);
        }
        text
    }

    fn from_typed(text: &str) -> Option<Self> {
        let is_separator = |char: &char| *char == '-' || char.is_whitespace();
        let symbols: String = text.chars().filter(|char| !is_separator(char)).collect();
        if symbols.len() != TYPED_SYMBOLS || !symbols.is_ascii() {
            return None;
        }
        let (code, check_symbols) = symbols.split_at(SHORT_SYMBOLS);
        let expected = check_symbols
            .bytes()
            .try_fold(0, |sum, symbol| Some(sum * 32 + base32::value(symbol)?))?;
        (check(code)? == expected).then_some(())?;
        base32::decode(code).map(Self)
    }
}

/// Returns the weighted sum of the symbols.
fn check(symbols: &str) -> Option<u32> {
    let mut sum = 0;
    for (weight, symbol) in (2..).zip(symbols.bytes()) {
        sum = (sum + weight * base32::value(symbol)?) % CHECK_MODULUS;
    }
    Some(sum)
}

impl CodeKey {
    /// Returns the key of a seed.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// Returns the key that verifies what this one signs.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs the code of an admission.
    pub fn sign(&self, ticket_id: TicketId, admission_id: AdmissionId, secret: CodeSecret) -> SignedCode {
        let signature = self.0.sign(&signed_bytes(ticket_id, admission_id, secret));
        SignedCode {
            ticket_id,
            admission_id,
            secret,
            signature: signature.to_bytes(),
        }
    }
}

impl PublicKey {
    /// Returns the 32 bytes of the key (RFC 8032).
    pub fn to_bytes(self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// Returns whether the code was signed with the private key.
    pub fn verifies(self, code: &SignedCode) -> bool {
        let bytes = signed_bytes(code.ticket_id, code.admission_id, code.secret);
        let signature = Signature::from_bytes(&code.signature);
        self.0.verify_strict(&bytes, &signature).is_ok()
    }
}

fn signed_bytes(ticket_id: TicketId, admission_id: AdmissionId, secret: CodeSecret) -> Vec<u8> {
    [CONTEXT, &ticket_id.to_bytes(), &admission_id.to_bytes(), &secret.0].concat()
}

impl SignedCode {
    /// Returns the text of the QR code.
    pub fn text(&self) -> String {
        let bytes = [
            &self.ticket_id.to_bytes()[..],
            &self.admission_id.to_bytes(),
            &self.secret.0,
            &self.signature,
        ]
        .concat();
        format!("{PREFIX}{}", base32::encode(&bytes))
    }

    /// Parses the text of a QR code.
    ///
    /// # Errors
    ///
    /// It is another text.
    pub fn parse(text: &str) -> Result<Self, MalformedCode> {
        let prefix = text.get(..PREFIX.len()).ok_or(MalformedCode)?;
        if !prefix.eq_ignore_ascii_case(PREFIX) {
            return Err(MalformedCode);
        }
        let bytes: [u8; 112] = base32::decode(&text[PREFIX.len()..]).ok_or(MalformedCode)?;
        let (ticket_id, rest) = bytes.split_first_chunk().ok_or(MalformedCode)?;
        let (admission_id, rest) = rest.split_first_chunk().ok_or(MalformedCode)?;
        let (secret, signature) = rest.split_first_chunk().ok_or(MalformedCode)?;
        Ok(Self {
            ticket_id: TicketId::from_bytes(*ticket_id),
            admission_id: AdmissionId::from_bytes(*admission_id),
            secret: CodeSecret(*secret),
            signature: signature.try_into().map_err(|_| MalformedCode)?,
        })
    }
}

impl ScannedCode {
    /// Parses a code as it was scanned or typed: case, spaces and hyphens do not matter.
    ///
    /// # Errors
    ///
    /// It is another text, or one symbol is wrong.
    pub fn parse(text: &str) -> Result<Self, MalformedCode> {
        let text = text.trim();
        if text.len() > MAX_CHARS {
            return Err(MalformedCode);
        }
        match SignedCode::parse(text) {
            Ok(code) => Ok(Self::Signed(code)),
            Err(error) => CodeSecret::from_typed(text).map(Self::Typed).ok_or(error),
        }
    }

    /// Returns the code.
    pub const fn secret(&self) -> CodeSecret {
        match self {
            Self::Signed(code) => code.secret,
            Self::Typed(secret) => *secret,
        }
    }
}

impl fmt::Debug for CodeSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[code]")
    }
}

impl fmt::Debug for CodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[code key]")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn signed(secret: [u8; 16]) -> (PublicKey, SignedCode) {
        let key = CodeKey::from_seed(&[7; 32]);
        let (ticket, admission) = (TicketId::from_bytes([1; 16]), AdmissionId::from_bytes([2; 16]));
        (key.public_key(), key.sign(ticket, admission, CodeSecret::new(secret)))
    }

    #[test]
    fn a_signed_code_verifies_and_no_changed_one_does() {
        let (key, code) = signed([3; 16]);
        let text = code.text();
        assert_eq!(text.len(), 183);
        let read = SignedCode::parse(&text).unwrap();
        assert_eq!(read, code);
        assert!(key.verifies(&read));
        for position in 3..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[position] = if changed[position] == b'7' { b'8' } else { b'7' };
            let changed = String::from_utf8(changed).unwrap();
            let is_valid = SignedCode::parse(&changed).is_ok_and(|code| key.verifies(&code));
            assert!(!is_valid, "{position}");
        }
        let other = CodeKey::from_seed(&[8; 32]).public_key();
        assert!(!other.verifies(&read));
    }

    #[test]
    fn a_code_of_another_version_or_length_is_malformed() {
        let (_, code) = signed([3; 16]);
        let text = code.text();
        for bad in [
            "",
            "T1:",
            "T2:",
            &text.replace("T1:", "T2:"),
            &text[..182],
            &format!("{text}0"),
            &"0".repeat(5000),
            "ö1:",
        ] {
            assert_eq!(ScannedCode::parse(bad), Err(MalformedCode), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_typed_code_is_read_however_it_is_written(secret: [u8; 16]) {
            let secret = CodeSecret::new(secret);
            let text = secret.short_form();
            let read = |text: &str| ScannedCode::parse(text).map(|code| code.secret());
            prop_assert_eq!(text.len(), 34);
            prop_assert_eq!(read(&text), Ok(secret));
            prop_assert_eq!(read(&text.to_lowercase().replace('-', " ")), Ok(secret));
            prop_assert_eq!(read(&text.replace('0', "o").replace('1', "l")), Ok(secret));
        }

        #[test]
        fn one_wrong_symbol_and_two_swapped_ones_are_found(secret: [u8; 16], position in 0..27_usize, other in 0..32_u32) {
            let text: Vec<char> = CodeSecret::new(secret).short_form().chars().filter(|char| *char != '-').collect();
            let mut wrong = text.clone();
            wrong[position] = base32::symbol(other);
            let mut swapped = text.clone();
            swapped.swap(position, position + 1);
            for changed in [wrong, swapped].into_iter().filter(|changed| *changed != text) {
                let changed: String = changed.into_iter().collect();
                prop_assert_eq!(ScannedCode::parse(&changed), Err(MalformedCode));
            }
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,40}", prefix in "[tT]1:|") {
            let _ = ScannedCode::parse(&format!("{prefix}{text}"));
        }
    }
}
