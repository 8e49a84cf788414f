use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use db::Db;
use rusqlite::Connection;
use sealing::EncryptionKeys;
use token::Verifier;
use values::{Clock, Timestamp};

use crate::{
    domain::{KeySet, UnusableKeys},
    store,
    use_cases::{CreateKeyError, SealKeysError, create_missing_keys, seal_keys, seal_second_factors},
};

mod key_file;

pub(crate) use key_file::{EncryptionKeyError, encryption_keys, mail_keys};

/// The keys could not be loaded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadKeysError {
    /// The database could not be read or written.
    #[error(transparent)]
    Db(#[from] db::Error),
    /// A key could not be created.
    #[error(transparent)]
    Create(#[from] CreateKeyError),
    /// The keys could not be encrypted.
    #[error(transparent)]
    Seal(#[from] SealKeysError),
    /// The keys cannot be used.
    #[error(transparent)]
    Unusable(#[from] UnusableKeys),
    /// The database has no refresh key.
    #[error("the database has no refresh key")]
    NoRefreshKey,
}

/// The keys of the running service. Another process may rotate them, so they are reloaded periodically.
#[derive(Clone)]
pub(crate) struct LiveKeys {
    db: Db,
    clock: Clock,
    encryption: EncryptionKeys,
    current: Arc<RwLock<Arc<KeySet>>>,
}

impl LiveKeys {
    /// Loads the keys. Creates them at the first start, and after a recovery that deleted revoked ones.
    pub(crate) async fn open(db: Db, clock: Clock, encryption: EncryptionKeys) -> Result<Self, LoadKeysError> {
        let keys = encryption.clone();
        let sealed = db.write(move |tx| seal_keys(tx, &keys)).await?;
        if sealed > 0 {
            tracing::info!(keys = sealed, "keys in the database encrypted");
        }
        let keys = load(&db, clock.now(), &encryption).await?;
        Ok(Self {
            db,
            clock,
            encryption,
            current: Arc::new(RwLock::new(Arc::new(keys))),
        })
    }

    /// Returns the keys that encrypt what the database contains.
    pub(crate) const fn encryption(&self) -> &EncryptionKeys {
        &self.encryption
    }

    /// Encrypts the secrets of second factors with the first key, while the key is replaced.
    pub(crate) async fn seal_second_factors(&self) -> Result<(), db::Error> {
        if !self.encryption.to_text().contains(' ') {
            return Ok(());
        }
        let mut after = Some(String::new());
        while let Some(position) = after {
            let keys = self.encryption.clone();
            after = self
                .db
                .write(move |tx| seal_second_factors(tx, &keys, &position))
                .await?;
        }
        Ok(())
    }

    /// Returns the keys as last loaded.
    pub(crate) fn current(&self) -> Arc<KeySet> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Loads the keys again.
    pub(crate) async fn reload(&self) -> Result<(), LoadKeysError> {
        let new = load(&self.db, self.clock.now(), &self.encryption).await?;
        let old = self.current();
        if new.signing().kid() != old.signing().kid() {
            tracing::info!(kid = new.signing().kid(), "a new key signs access tokens");
        }
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
        Ok(())
    }

    /// Returns a verifier of access tokens with these keys.
    pub(crate) fn verifier(&self, issuer: &str, audience: &str) -> Verifier {
        let keys = self.clone();
        Verifier::with_local_keys(
            move || Arc::clone(keys.current().keyring()),
            issuer,
            audience,
            self.clock.clone(),
        )
    }
}

impl fmt::Debug for LiveKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.current().fmt(f)
    }
}

async fn load(db: &Db, now: Timestamp, encryption: &EncryptionKeys) -> Result<KeySet, LoadKeysError> {
    let read = |conn: &Connection| -> Result<_, db::Error> {
        Ok((store::signing_keys(conn)?, store::refresh_key_seed(conn)?))
    };
    let mut stored = db.read_internal(read).await?;
    if !stored.0.iter().any(|key| key.retired_at.is_none()) || stored.1.is_none() {
        let keys = encryption.clone();
        db.write(move |tx| create_missing_keys(tx, now, &keys)).await?;
        stored = db.read_internal(read).await?;
    }
    let (signing_keys, refresh_seed) = stored;
    let refresh_seed = refresh_seed.ok_or(LoadKeysError::NoRefreshKey)?;
    Ok(KeySet::new(&signing_keys, &refresh_seed, now, encryption)?)
}
