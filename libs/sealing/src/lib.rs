//! Encryption of what a database or an event contains: AES-256-GCM with keys from a secret file.
//!
//! Each sealed value is bound to its purpose: a value that was copied to another row or event cannot be opened there.

use std::{fmt, str::FromStr, sync::Arc};

use aes_gcm::{
    Aes256Gcm,
    aead::{Aead, KeyInit, Payload},
};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

pub mod key_file;
pub mod random;

/// The first byte of a sealed value.
const VERSION: u8 = 1;

/// The bytes of the fingerprint of the encryption key, by which it is found.
const FINGERPRINT_BYTES: usize = 8;

/// The bytes of a nonce of AES-GCM. Random: one key seals far less than 2^32 values (NIST SP 800-38D, section 8.3).
pub const NONCE_BYTES: usize = 12;

/// Encryption keys. The first one encrypts, all of them decrypt.
#[derive(Clone)]
pub struct EncryptionKeys(Arc<[Zeroizing<[u8; 32]>]>);

/// The text has no encryption key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be a key of 64 hexadecimal digits; while it is replaced, the new and the old one, separated by a space")]
pub struct MalformedEncryptionKey;

/// A sealed value cannot be opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CannotOpen {
    /// It was encrypted with a key that is not given.
    #[error("encrypted with another key")]
    OtherKey,
    /// It was changed, or belongs to another purpose.
    #[error("damaged")]
    Damaged,
}

impl EncryptionKeys {
    /// Returns a single key.
    pub fn new(key: [u8; 32]) -> Self {
        Self([Zeroizing::new(key)].into())
    }

    /// Returns the keys as [`FromStr`] parses them.
    pub fn to_text(&self) -> Zeroizing<String> {
        let digit = |digit: u8| char::from_digit(digit.into(), 16).unwrap_or_default();
        let hex = |key: &Zeroizing<[u8; 32]>| {
            let digits = key.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
            digits.collect::<String>()
        };
        Zeroizing::new(self.0.iter().map(hex).collect::<Vec<_>>().join(" "))
    }

    /// Encrypts a value with the first key, for a purpose such as `admission code 01936f5e-…`. The nonce is random.
    pub fn seal(&self, purpose: &[u8], value: &[u8], nonce: [u8; NONCE_BYTES]) -> Vec<u8> {
        let key = self.current();
        let payload = Payload {
            msg: value,
            aad: purpose,
        };
        let Ok(encrypted) = cipher(key).encrypt(&nonce.into(), payload) else {
            unreachable!("the value is not longer than AES-GCM allows, 64 GiB");
        };
        [&[VERSION][..], &fingerprint(key), &nonce, &encrypted].concat()
    }

    /// Decrypts a value that was sealed for `purpose`.
    ///
    /// # Errors
    ///
    /// The key is not one of these, or the value was changed or sealed for another purpose.
    pub fn open(&self, purpose: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
        let (sealed_with, nonce, encrypted) = parts(sealed).ok_or(CannotOpen::Damaged)?;
        let key = self.0.iter().find(|key| fingerprint(key) == sealed_with);
        let payload = Payload {
            msg: encrypted,
            aad: purpose,
        };
        let value = cipher(key.ok_or(CannotOpen::OtherKey)?).decrypt(&nonce.into(), payload);
        value.map(Zeroizing::new).map_err(|_| CannotOpen::Damaged)
    }

    /// Whether a value is sealed with the first key.
    pub fn is_current(&self, sealed: &[u8]) -> bool {
        parts(sealed).is_some_and(|(sealed_with, ..)| sealed_with == fingerprint(self.current()))
    }

    /// Returns these keys, of which the one that a value is sealed with seals: each holder of that key can open what is
    /// sealed with it. The order stays if there is no such key.
    #[must_use]
    pub fn encrypting_like(&self, sealed: &[u8]) -> Self {
        let Some((sealed_with, ..)) = parts(sealed) else {
            return self.clone();
        };
        let (same, others): (Vec<_>, Vec<_>) = self.0.iter().cloned().partition(|key| fingerprint(key) == sealed_with);
        Self([same, others].concat().into())
    }

    fn current(&self) -> &[u8; 32] {
        match self.0.first() {
            Some(key) => key,
            None => unreachable!("there is at least one key"),
        }
    }
}

fn cipher(key: &[u8; 32]) -> Aes256Gcm {
    Aes256Gcm::new(key.into())
}

/// Returns the start of a hash of the key, which reveals nothing about it.
fn fingerprint(key: &[u8; 32]) -> [u8; FINGERPRINT_BYTES] {
    let hash = Sha256::new()
        .chain_update(b"ticketing encryption key\0")
        .chain_update(key)
        .finalize();
    let mut fingerprint = [0; FINGERPRINT_BYTES];
    fingerprint.copy_from_slice(&hash[..FINGERPRINT_BYTES]);
    fingerprint
}

/// Returns the fingerprint, the nonce and the encrypted bytes of a sealed value.
fn parts(sealed: &[u8]) -> Option<([u8; FINGERPRINT_BYTES], [u8; NONCE_BYTES], &[u8])> {
    let (version, rest) = sealed.split_first()?;
    let (fingerprint, rest) = rest.split_first_chunk()?;
    let (nonce, encrypted) = rest.split_first_chunk()?;
    (*version == VERSION).then_some((*fingerprint, *nonce, encrypted))
}

impl FromStr for EncryptionKeys {
    type Err = MalformedEncryptionKey;

    fn from_str(text: &str) -> Result<Self, MalformedEncryptionKey> {
        let keys = text.split_whitespace().map(parse_key).collect::<Option<Vec<_>>>();
        let keys = keys.filter(|keys| !keys.is_empty()).ok_or(MalformedEncryptionKey)?;
        Ok(Self(keys.into()))
    }
}

fn parse_key(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let digits: &[u8; 64] = text.as_bytes().try_into().ok()?;
    let mut key = Zeroizing::new([0; 32]);
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        let value = digit(*pair.first()?)? * 16 + digit(*pair.last()?)?;
        *byte = u8::try_from(value).ok()?;
    }
    Some(key)
}

impl fmt::Debug for EncryptionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[encryption keys]")
    }
}

#[cfg(test)]
mod tests;
