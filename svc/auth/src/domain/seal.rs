use sealing::{EncryptionKeys, NONCE_BYTES};
use zeroize::Zeroizing;

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

impl From<sealing::CannotOpen> for CannotOpen {
    fn from(error: sealing::CannotOpen) -> Self {
        match error {
            sealing::CannotOpen::OtherKey => Self::OtherKey,
            sealing::CannotOpen::Damaged => Self::Damaged,
        }
    }
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

impl StoredSeed {
    /// Encrypts a seed with the first key.
    pub(crate) fn seal(
        purpose: SeedPurpose<'_>,
        seed: &[u8; 32],
        encryption: &EncryptionKeys,
        nonce: [u8; NONCE_BYTES],
    ) -> Self {
        Self::Sealed(encryption.seal(&purpose.associated_data(), seed, nonce))
    }

    /// Returns the seed.
    pub(crate) fn open(
        &self,
        purpose: SeedPurpose<'_>,
        encryption: &EncryptionKeys,
    ) -> Result<Zeroizing<[u8; 32]>, CannotOpen> {
        let sealed = match self {
            Self::Plain(seed) => return Ok(seed.clone()),
            Self::Sealed(sealed) => sealed,
        };
        let seed = encryption.open(&purpose.associated_data(), sealed)?;
        let seed = seed.as_slice().try_into().map_err(|_| CannotOpen::Damaged)?;
        Ok(Zeroizing::new(seed))
    }

    /// Whether the seed is encrypted with the first key.
    pub(crate) fn is_current(&self, encryption: &EncryptionKeys) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Sealed(sealed) => encryption.is_current(sealed),
        }
    }

    /// Returns the keys, of which the one that this seed is encrypted with encrypts: each holder of that key can open what is
    /// encrypted with it. The order stays if there is no such key.
    pub(crate) fn encrypting_like(&self, encryption: &EncryptionKeys) -> EncryptionKeys {
        match self {
            Self::Plain(_) => encryption.clone(),
            Self::Sealed(sealed) => encryption.encrypting_like(sealed),
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

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: [u8; 32] = [7; 32];

    /// A seed that is sealed with the key `01…` for the signing key `a`.
    fn sealed_seed() -> StoredSeed {
        let seal = StoredSeed::seal;
        seal(
            SeedPurpose::Signing("a"),
            &SEED,
            &EncryptionKeys::new([1; 32]),
            [1; NONCE_BYTES],
        )
    }

    #[test]
    fn a_seed_is_opened_for_its_purpose_only() {
        let (keys, other) = (EncryptionKeys::new([1; 32]), EncryptionKeys::new([2; 32]));
        let stored = sealed_seed();
        assert_eq!(*stored.open(SeedPurpose::Signing("a"), &keys).unwrap(), SEED);
        for purpose in [SeedPurpose::Signing("b"), SeedPurpose::Refresh] {
            assert_eq!(stored.open(purpose, &keys).unwrap_err(), CannotOpen::Damaged);
        }
        let refused = stored.open(SeedPurpose::Signing("a"), &other).unwrap_err();
        assert_eq!(refused, CannotOpen::OtherKey);
        let too_short = StoredSeed::Sealed(keys.seal(b"ticketing refresh key\0", &[7; 31], [1; NONCE_BYTES]));
        assert_eq!(
            too_short.open(SeedPurpose::Refresh, &keys).unwrap_err(),
            CannotOpen::Damaged
        );
    }

    #[test]
    fn a_seed_of_an_earlier_release_is_not_current_and_is_opened_without_a_key() {
        let keys = EncryptionKeys::new([1; 32]);
        let plain = StoredSeed::Plain(Zeroizing::new(SEED));
        assert!(!plain.is_current(&keys) && sealed_seed().is_current(&keys));
        assert_eq!(*plain.open(SeedPurpose::Refresh, &keys).unwrap(), SEED);
        assert_eq!(*plain.encrypting_like(&keys).to_text(), *keys.to_text());
    }
}
