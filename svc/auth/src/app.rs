use std::{fmt, net::IpAddr, sync::Arc};

use chassis::Context;
use db::Db;
use values::Clock;

use crate::{
    attempts::{Attempts, TooManyFailures},
    client::TrustedProxies,
    cookies::Cookies,
    grant::Issuer,
    hasher::{Hasher, LineIsFull},
    keys::{Keys, LiveKeys},
    meters::Meters,
    password::Password,
    settings::Settings,
};

/// What the use cases work with.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    db: Db,
    clock: Clock,
    issuer: Issuer,
    keys: LiveKeys,
    hasher: Hasher,
    attempts: Attempts,
    cookies: Cookies,
    proxies: TrustedProxies,
    meters: Meters,
}

/// Why it was not looked whether a password is right.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotVerified {
    /// There were too many wrong ones.
    #[error(transparent)]
    TooManyFailures(#[from] TooManyFailures),
    /// Too many others wait.
    #[error(transparent)]
    LineIsFull(#[from] LineIsFull),
}

impl App {
    pub(crate) fn new(context: &Context, keys: LiveKeys, settings: Settings) -> Self {
        let issuer = Issuer {
            name: context.token_issuer.clone(),
            audience: context.token_audience.clone(),
        };
        Self(Arc::new(Inner {
            db: context.db.clone(),
            clock: context.clock.clone(),
            issuer,
            keys,
            hasher: Hasher::new(settings.hashers(), settings.hash_queue()),
            attempts: Attempts::new(settings.sign_in_limits()),
            cookies: Cookies {
                secure: settings.cookie_secure,
            },
            proxies: TrustedProxies::new(settings.trusted_proxies),
            meters: Meters::of(&context.metrics),
        }))
    }

    pub(crate) fn db(&self) -> &Db {
        &self.0.db
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub(crate) fn issuer(&self) -> &Issuer {
        &self.0.issuer
    }

    pub(crate) fn keys(&self) -> Arc<Keys> {
        self.0.keys.current()
    }

    pub(crate) fn cookies(&self) -> Cookies {
        self.0.cookies
    }

    pub(crate) fn trusted_proxies(&self) -> &TrustedProxies {
        &self.0.proxies
    }

    pub(crate) fn meters(&self) -> &Meters {
        &self.0.meters
    }

    /// Hashes passwords.
    pub fn hasher(&self) -> &Hasher {
        &self.0.hasher
    }

    /// Whether it is the password of this account, which need not exist. Only so many wrong ones are borne.
    pub(crate) async fn verify(
        &self,
        account: &str,
        from: IpAddr,
        password: Password,
        hash: Option<String>,
    ) -> Result<bool, NotVerified> {
        let attempt = self.0.attempts.of(account, from);
        self.0.attempts.check(attempt, self.clock().now())?;
        let (attempts, clock) = (self.0.attempts.clone(), self.clock().clone());
        let verified = self.hasher().in_turn(move |desk| {
            // Once more: the failures of those who waited before us count. So many attempts at once are no way around.
            attempts.check(attempt, clock.now())?;
            let right = desk.verify(&password, hash.as_deref());
            if right {
                attempts.succeeded(attempt);
            } else {
                attempts.failed(attempt, clock.now());
            }
            Ok(right)
        });
        verified.await?
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("keys", &self.0.keys)
            .finish_non_exhaustive()
    }
}
