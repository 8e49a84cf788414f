use std::{collections::HashMap, sync::Arc, time::Duration};

use sealing::{EncryptionKeys, NONCE_BYTES};
use token::{Jwks, KeyError, Keyring, SigningKey};
use values::Timestamp;

use super::{
    refresh_token::RefreshKey,
    seal::{CannotOpen, SeedPurpose, StoredSeed},
};

/// The time for which a retired key is still published: its tokens are valid for 15 minutes, and clients may cache keys.
pub(crate) const PUBLISHED_AFTER_RETIREMENT: Duration = Duration::from_hours(24);

/// The time for which a retired key is stored: longer than a repeated sign-up is answered with the same tokens.
pub(crate) const RETAINED_AFTER_RETIREMENT: Duration = Duration::from_hours(48);

/// A signing key as it is stored.
#[derive(Clone)]
pub(crate) struct StoredKey {
    pub(crate) kid: String,
    pub(crate) seed: StoredSeed,
    pub(crate) created_at: Timestamp,
    pub(crate) retired_at: Option<Timestamp>,
}

impl StoredKey {
    /// Creates a key from 32 random bytes, which are encrypted with a random nonce.
    pub(crate) fn new(
        seed: &[u8; 32],
        now: Timestamp,
        encryption: &EncryptionKeys,
        nonce: [u8; NONCE_BYTES],
    ) -> Result<Self, KeyError> {
        let kid = SigningKey::from_seed(seed)?.kid().to_owned();
        Ok(Self {
            seed: StoredSeed::seal(SeedPurpose::Signing(&kid), seed, encryption, nonce),
            kid,
            created_at: now,
            retired_at: None,
        })
    }

    pub(crate) fn is_published(&self, now: Timestamp) -> bool {
        self.retired_at.is_none_or(|at| now < at + PUBLISHED_AFTER_RETIREMENT)
    }
}

/// The stored keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UnusableKeys {
    /// No stored key signs.
    #[error("the database has no signing key")]
    Missing,
    /// A key cannot be decrypted.
    #[error(transparent)]
    Sealed(#[from] CannotOpen),
    /// A key is damaged.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// The keys of the service.
#[derive(Debug)]
pub(crate) struct KeySet {
    signing: SigningKey,
    by_kid: HashMap<String, SigningKey>,
    jwks: Jwks,
    keyring: Arc<Keyring>,
    refresh: RefreshKey,
}

impl KeySet {
    /// Creates the set from the stored keys and the seed of the refresh key.
    pub(crate) fn new(
        stored: &[StoredKey],
        refresh_seed: &StoredSeed,
        now: Timestamp,
        encryption: &EncryptionKeys,
    ) -> Result<Self, UnusableKeys> {
        let mut by_kid = HashMap::new();
        let mut jwks = Jwks::default();
        let mut signing = None;
        for stored in stored {
            let seed = stored.seed.open(SeedPurpose::Signing(&stored.kid), encryption)?;
            let key = SigningKey::from_seed(&seed)?;
            if stored.is_published(now) {
                jwks.keys.push(key.public().clone());
            }
            if stored.retired_at.is_none() {
                signing = Some(key.clone());
            }
            by_kid.insert(stored.kid.clone(), key);
        }
        let signing = signing.ok_or(UnusableKeys::Missing)?;
        let refresh_seed = refresh_seed.open(SeedPurpose::Refresh, encryption)?;
        let keyring = Arc::new(Keyring::new(&jwks));
        Ok(Self {
            signing,
            by_kid,
            jwks,
            keyring,
            refresh: RefreshKey::new(*refresh_seed),
        })
    }

    /// Returns the key that signs.
    pub(crate) const fn signing(&self) -> &SigningKey {
        &self.signing
    }

    /// Returns a key that signs or is retired.
    pub(crate) fn get(&self, kid: &str) -> Option<&SigningKey> {
        self.by_kid.get(kid)
    }

    /// Returns the published keys.
    pub(crate) const fn jwks(&self) -> &Jwks {
        &self.jwks
    }

    /// Returns the published keys, parsed for verification.
    pub(crate) const fn keyring(&self) -> &Arc<Keyring> {
        &self.keyring
    }

    /// Returns the key for refresh tokens.
    pub(crate) const fn refresh(&self) -> &RefreshKey {
        &self.refresh
    }
}
