use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use db::{Db, Tx};
use token::{Jwks, KeyError, Keyring, SigningKey, Verifier};
use values::{Clock, Timestamp};

use crate::{random, refresh_token::RefreshKey, store};

/// How long a key is published after it signed last: the tokens live 15 minutes, and who has cached the keys may be slow.
pub(crate) const PUBLISHED: Duration = Duration::from_hours(24);

/// How long a key is kept after it signed last: as long as a repeated sign-up must get the token that it got, and more.
pub(crate) const KEPT: Duration = Duration::from_hours(48);

/// A signing key as it is stored.
#[derive(Clone)]
pub(crate) struct StoredKey {
    pub(crate) kid: String,
    pub(crate) seed: [u8; 32],
    pub(crate) created_at: Timestamp,
    pub(crate) retired_at: Option<Timestamp>,
}

impl StoredKey {
    fn generate(now: Timestamp) -> Result<Self, KeyError> {
        let seed = random::seed();
        let kid = SigningKey::from_seed(&seed)?.kid().to_owned();
        Ok(Self {
            kid,
            seed,
            created_at: now,
            retired_at: None,
        })
    }

    pub(crate) fn is_published(&self, now: Timestamp) -> bool {
        self.retired_at.is_none_or(|at| now < at + PUBLISHED)
    }
}

/// The keys of this service, ready for use.
#[derive(Debug)]
pub(crate) struct Keys {
    signing: SigningKey,
    by_kid: HashMap<String, SigningKey>,
    jwks: Jwks,
    ring: Arc<Keyring>,
    refresh: RefreshKey,
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoKeys {
    /// The database could not be read or written.
    #[error(transparent)]
    Db(#[from] db::Error),
    /// A key is damaged.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The database lost them.
    #[error("the database has no {0}")]
    Missing(&'static str),
}

impl Keys {
    fn new(stored: &[StoredKey], refresh: [u8; 32], now: Timestamp) -> Result<Self, NoKeys> {
        let mut by_kid = HashMap::new();
        let mut jwks = Jwks::default();
        let mut signing = None;
        for stored in stored {
            let key = SigningKey::from_seed(&stored.seed)?;
            if stored.is_published(now) {
                jwks.keys.push(key.public().clone());
            }
            if stored.retired_at.is_none() {
                signing = Some(key.clone());
            }
            by_kid.insert(stored.kid.clone(), key);
        }
        let ring = Arc::new(Keyring::new(&jwks));
        let signing = signing.ok_or(NoKeys::Missing("signing key"))?;
        Ok(Self {
            signing,
            by_kid,
            jwks,
            ring,
            refresh: RefreshKey::new(refresh),
        })
    }

    /// The key that signs now.
    pub(crate) const fn signing(&self) -> &SigningKey {
        &self.signing
    }

    /// A key that signs now or signed before.
    pub(crate) fn get(&self, kid: &str) -> Option<&SigningKey> {
        self.by_kid.get(kid)
    }

    /// The public halves, for whoever verifies.
    pub(crate) const fn jwks(&self) -> &Jwks {
        &self.jwks
    }

    /// The key for refresh tokens.
    pub(crate) const fn refresh(&self) -> &RefreshKey {
        &self.refresh
    }
}

/// The keys of the running service. Another process may rotate them, so they are read again from time to time.
#[derive(Clone)]
pub(crate) struct LiveKeys {
    db: Db,
    clock: Clock,
    current: Arc<RwLock<Arc<Keys>>>,
}

impl LiveKeys {
    /// Reads the keys, having made them if this is the first start.
    pub(crate) async fn open(db: Db, clock: Clock) -> Result<Self, NoKeys> {
        let now = clock.now();
        db.write(move |tx| make_missing(tx, now)).await?;
        let keys = read(&db, now).await?;
        Ok(Self {
            db,
            clock,
            current: Arc::new(RwLock::new(Arc::new(keys))),
        })
    }

    /// The keys, as last read.
    pub(crate) fn current(&self) -> Arc<Keys> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the keys again.
    pub(crate) async fn reload(&self) -> Result<(), NoKeys> {
        let new = read(&self.db, self.clock.now()).await?;
        let old = self.current();
        if new.signing.kid() != old.signing.kid() {
            tracing::info!(kid = new.signing.kid(), "a new key signs access tokens");
        }
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
        Ok(())
    }

    /// Verifies access tokens by these keys.
    pub(crate) fn verifier(&self, issuer: &str, audience: &str) -> Verifier {
        let keys = self.clone();
        Verifier::with_local_keys(
            move || Arc::clone(&keys.current().ring),
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

async fn read(db: &Db, now: Timestamp) -> Result<Keys, NoKeys> {
    db.read(move |conn| {
        let stored = store::signing_keys(conn)?;
        let refresh = store::refresh_key(conn)?.ok_or(NoKeys::Missing("refresh key"))?;
        Keys::new(&stored, refresh, now)
    })
    .await
}

fn make_missing(tx: &Tx, now: Timestamp) -> Result<(), NoKeys> {
    if store::signing_keys(tx)?.iter().all(|key| key.retired_at.is_some()) {
        store::insert_signing_key(tx, &StoredKey::generate(now)?)?;
    }
    if store::refresh_key(tx)?.is_none() {
        store::insert_refresh_key(tx, random::seed())?;
    }
    Ok(())
}

/// Makes a new key that signs from now on; the one before it goes on being published for [`PUBLISHED`].
pub(crate) fn rotate(tx: &Tx, now: Timestamp) -> Result<String, NoKeys> {
    let new = StoredKey::generate(now)?;
    store::retire_signing_key(tx, now)?;
    store::insert_signing_key(tx, &new)?;
    Ok(new.kid)
}

/// Forgets all keys at once and makes new ones: whatever was signed or made with those before is worth nothing.
pub(crate) fn revoke(tx: &Tx, now: Timestamp) -> Result<String, NoKeys> {
    let new = StoredKey::generate(now)?;
    store::delete_all_keys(tx)?;
    store::insert_signing_key(tx, &new)?;
    store::insert_refresh_key(tx, random::seed())?;
    Ok(new.kid)
}
