use std::{fmt, str::FromStr, sync::Arc};

use aes_gcm::{
    Aes256Gcm,
    aead::{Aead, KeyInit, Payload},
};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The first byte of a sealed seed.
const VERSION: u8 = 1;

/// The bytes of the fingerprint of the encryption key, by which it is found.
const FINGERPRINT_BYTES: usize = 8;

/// The bytes of a nonce of AES-GCM. Random: a few keys are sealed, far less than 2^32 (NIST SP 800-38D, section 8.3).
pub(crate) const NONCE_BYTES: usize = 12;

/// The keys that encrypt the seeds in the database. The first one encrypts, all of them decrypt.
#[derive(Clone)]
pub struct EncryptionKeys(Arc<[Zeroizing<[u8; 32]>]>);

/// The text has no encryption key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be a key of 64 hexadecimal digits; while it is replaced, the new and the old one, separated by a space")]
pub struct MalformedEncryptionKey;

/// A sealed seed cannot be opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum CannotOpen {
    /// It was encrypted with a key that is not given.
    #[error(
        "the keys in the database are encrypted with another key: give the key that they were encrypted with \
         (--encryption-key-file), or, if it is lost, a new one to `keys revoke --lost-encryption-key`"
    )]
    OtherKey,
    /// It was changed, or copied from another row.
    #[error("a key in the database is damaged")]
    Damaged,
}

/// What a seed is for. It is authenticated with the seed, so that a row cannot be replaced by another one.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SeedPurpose<'a> {
    /// A signing key, by its id.
    Signing(&'a str),
    /// The key of refresh tokens.
    Refresh,
}

/// A seed as it is stored.
#[derive(Clone)]
pub(crate) enum StoredSeed {
    /// As earlier releases stored it.
    Plain(Zeroizing<[u8; 32]>),
    /// Encrypted.
    Sealed(Vec<u8>),
}

impl EncryptionKeys {
    /// Returns a single key.
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self([Zeroizing::new(key)].into())
    }

    /// Returns the keys as [`FromStr`] parses them.
    pub(crate) fn to_text(&self) -> Zeroizing<String> {
        let digit = |digit: u8| char::from_digit(digit.into(), 16).unwrap_or_default();
        let hex = |key: &Zeroizing<[u8; 32]>| {
            let digits = key.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
            digits.collect::<String>()
        };
        Zeroizing::new(self.0.iter().map(hex).collect::<Vec<_>>().join(" "))
    }

    /// Encrypts a seed with the first key.
    pub(crate) fn seal(&self, purpose: SeedPurpose<'_>, seed: &[u8; 32], nonce: [u8; NONCE_BYTES]) -> StoredSeed {
        let key = self.current();
        let payload = Payload {
            msg: seed,
            aad: &purpose.associated_data(),
        };
        let Ok(encrypted) = cipher(key).encrypt(&nonce.into(), payload) else {
            unreachable!("32 bytes are not too long for AES-GCM");
        };
        StoredSeed::Sealed([&[VERSION][..], &fingerprint(key), &nonce, &encrypted].concat())
    }

    /// Returns a stored seed.
    pub(crate) fn open(
        &self,
        purpose: SeedPurpose<'_>,
        stored: &StoredSeed,
    ) -> Result<Zeroizing<[u8; 32]>, CannotOpen> {
        let sealed = match stored {
            StoredSeed::Plain(seed) => return Ok(seed.clone()),
            StoredSeed::Sealed(sealed) => sealed,
        };
        let (sealed_with, nonce, encrypted) = parts(sealed).ok_or(CannotOpen::Damaged)?;
        let key = self.0.iter().find(|key| fingerprint(key) == sealed_with);
        let payload = Payload {
            msg: encrypted,
            aad: &purpose.associated_data(),
        };
        let seed = cipher(key.ok_or(CannotOpen::OtherKey)?)
            .decrypt(&nonce.into(), payload)
            .map(Zeroizing::new);
        let seed = seed.map_err(|_| CannotOpen::Damaged)?;
        let seed = seed.as_slice().try_into().map_err(|_| CannotOpen::Damaged)?;
        Ok(Zeroizing::new(seed))
    }

    /// Whether a stored seed is encrypted with the first key.
    pub(crate) fn is_current(&self, stored: &StoredSeed) -> bool {
        match stored {
            StoredSeed::Plain(_) => false,
            StoredSeed::Sealed(sealed) => {
                parts(sealed).is_some_and(|(sealed_with, ..)| sealed_with == fingerprint(self.current()))
            }
        }
    }

    /// Returns these keys, of which the one that a stored seed is encrypted with encrypts: each holder of that key can open
    /// what is encrypted with it. The order stays if there is no such key.
    pub(crate) fn encrypting_like(&self, stored: &StoredSeed) -> Self {
        let StoredSeed::Sealed(sealed) = stored else {
            return self.clone();
        };
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

impl SeedPurpose<'_> {
    fn associated_data(self) -> Vec<u8> {
        match self {
            Self::Signing(kid) => [b"ticketing signing key\0", kid.as_bytes()].concat(),
            Self::Refresh => b"ticketing refresh key\0".to_vec(),
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

/// Returns the fingerprint, the nonce and the encrypted bytes of a sealed seed.
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
mod tests {
    use super::*;

    const SEED: [u8; 32] = [7; 32];

    fn sealed(keys: &EncryptionKeys, kid: &str) -> StoredSeed {
        keys.seal(SeedPurpose::Signing(kid), &SEED, [1; NONCE_BYTES])
    }

    fn bytes(stored: &StoredSeed) -> Vec<u8> {
        match stored {
            StoredSeed::Sealed(sealed) => sealed.clone(),
            StoredSeed::Plain(_) => panic!("not sealed"),
        }
    }

    #[test]
    fn a_sealed_seed_is_opened_with_its_key_for_its_purpose_only() {
        let (keys, other) = (EncryptionKeys::new([1; 32]), EncryptionKeys::new([2; 32]));
        let stored = sealed(&keys, "a");
        assert_eq!(bytes(&stored).len(), 69);
        assert!(!bytes(&stored).windows(8).any(|window| window == [7; 8]));
        assert_eq!(*keys.open(SeedPurpose::Signing("a"), &stored).unwrap(), SEED);
        for purpose in [SeedPurpose::Signing("b"), SeedPurpose::Refresh] {
            assert_eq!(keys.open(purpose, &stored).unwrap_err(), CannotOpen::Damaged);
        }
        let refused = other.open(SeedPurpose::Signing("a"), &stored).unwrap_err();
        assert_eq!(refused, CannotOpen::OtherKey);
        for position in 0..69 {
            let mut changed = bytes(&stored);
            changed[position] ^= 1;
            let changed = StoredSeed::Sealed(changed);
            assert!(keys.open(SeedPurpose::Signing("a"), &changed).is_err(), "{position}");
        }
    }

    #[test]
    fn an_older_key_opens_and_the_first_one_seals() {
        let text = format!("{}\n{}\n", "02".repeat(32), "01".repeat(32));
        let (old, both) = (EncryptionKeys::new([1; 32]), text.parse::<EncryptionKeys>().unwrap());
        let stored = sealed(&old, "a");
        assert!(old.is_current(&stored) && !both.is_current(&stored));
        let seed = both.open(SeedPurpose::Signing("a"), &stored).unwrap();
        let again = both.seal(SeedPurpose::Signing("a"), &seed, [2; NONCE_BYTES]);
        assert!(both.is_current(&again));
        assert!(old.open(SeedPurpose::Signing("a"), &again).is_err());
    }

    #[test]
    fn a_new_seed_can_be_encrypted_with_the_key_of_a_stored_one() {
        let text = format!("{}\n{}\n", "02".repeat(32), "01".repeat(32));
        let (old, both) = (EncryptionKeys::new([1; 32]), text.parse::<EncryptionKeys>().unwrap());
        let like_old = both.encrypting_like(&sealed(&old, "a"));
        assert!(old.is_current(&sealed(&like_old, "b")));
        assert!(like_old.open(SeedPurpose::Signing("a"), &sealed(&both, "a")).is_ok());
        let unknown = sealed(&EncryptionKeys::new([3; 32]), "a");
        assert_eq!(*both.encrypting_like(&unknown).to_text(), *both.to_text());
    }

    #[test]
    fn a_key_has_64_hexadecimal_digits_and_is_never_printed() {
        let key = EncryptionKeys::new([0xab; 32]);
        assert_eq!(*key.to_text(), "ab".repeat(32));
        assert!(key.to_text().to_uppercase().parse::<EncryptionKeys>().is_ok());
        for bad in [
            "",
            " ",
            "ab",
            &"ab".repeat(33),
            &"xy".repeat(32),
            &format!("{} 1", "ab".repeat(32)),
        ] {
            assert!(bad.parse::<EncryptionKeys>().is_err(), "{bad}");
        }
        assert_eq!(format!("{key:?}"), "[encryption keys]");
    }
}
