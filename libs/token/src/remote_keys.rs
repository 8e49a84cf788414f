use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use fetch::{FetchLimits, Fetcher};
use poem::http::StatusCode;
use tls::ClientTls;
use url::Url;

use crate::{Jwks, Keyring};

use key_file::KeyFile;

mod key_file;

/// The time that one fetch may take. Auth responds from memory.
const FETCH_TIMEOUT: Duration = Duration::from_secs(2);

const LIMITS: FetchLimits = FetchLimits {
    connect: FETCH_TIMEOUT,
    // Room for more than a hundred keys.
    bytes: 64 * 1024,
    idle_connections: 0,
    local_address: None,
};

/// How often the keys are fetched. A limit on the rate of fetches, whether they fail or not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FetchPolicy {
    /// Keys older than this are fetched again, in the background.
    pub(crate) refresh_after: Duration,
    /// The shortest time between two fetches, however many unknown keys are named. A rotated key is therefore available
    /// at most this time later.
    pub(crate) min_interval: Duration,
    /// The same while no keys are known at all.
    pub(crate) min_interval_without_keys: Duration,
}

impl FetchPolicy {
    const DEFAULT: Self = Self {
        refresh_after: Duration::from_mins(5),
        min_interval: Duration::from_secs(2),
        min_interval_without_keys: Duration::from_millis(250),
    };
}

/// No keys have been fetched since the start, and none were stored.
#[derive(Debug)]
pub(crate) struct KeysUnavailable {
    pub(crate) reason: String,
}

/// Returns the URL of the key set, or why it is not known.
type JwksUrl = Box<dyn Fn() -> Result<Url, String> + Send + Sync>;

/// The keys that auth publishes, as last fetched.
pub(crate) struct RemoteKeys {
    jwks_url: JwksUrl,
    file: KeyFile,
    http: Fetcher,
    policy: FetchPolicy,
    cache: Mutex<Cache>,
    /// Held during a fetch: concurrent requests share its result.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Cache {
    keyring: Option<Arc<Keyring>>,
    fetched_at: Option<Instant>,
    attempted_at: Option<Instant>,
    failure: Option<String>,
}

impl RemoteKeys {
    pub(crate) fn new(
        jwks_url: impl Fn() -> Result<Url, String> + Send + Sync + 'static,
        file: PathBuf,
        tls: Option<&ClientTls>,
    ) -> Self {
        Self::with_policy(jwks_url, FetchPolicy::DEFAULT, file, tls)
    }

    pub(crate) fn with_policy(
        jwks_url: impl Fn() -> Result<Url, String> + Send + Sync + 'static,
        policy: FetchPolicy,
        file: PathBuf,
        tls: Option<&ClientTls>,
    ) -> Self {
        let file = KeyFile::new(file);
        let cache = Cache {
            keyring: file.read().map(Arc::new),
            ..Cache::default()
        };
        Self {
            jwks_url: Box::new(jwks_url),
            file,
            http: Fetcher::new(LIMITS, tls),
            policy,
            cache: Mutex::new(cache),
            fetching: tokio::sync::Mutex::default(),
        }
    }

    /// Returns the keys. Fetches them first if `kid` is not among them; it may still be missing afterwards.
    pub(crate) async fn keyring_for(self: &Arc<Self>, kid: &str) -> Result<Arc<Keyring>, KeysUnavailable> {
        let (keyring, stale) = self.cached();
        match keyring {
            Some(keyring) if keyring.get(kid).is_some() => {
                if stale {
                    drop(self.spawn_fetch());
                }
                Ok(keyring)
            }
            _ => {
                // A task of its own: other requests wait for it, so it continues if this request is cancelled.
                let _ended = self.spawn_fetch().await;
                self.cached().0.ok_or_else(|| self.unavailable())
            }
        }
    }

    fn cached(&self) -> (Option<Arc<Keyring>>, bool) {
        let cache = self.cache();
        let stale = cache
            .fetched_at
            .is_none_or(|at| at.elapsed() >= self.policy.refresh_after)
            && self.may_fetch(&cache);
        (cache.keyring.clone(), stale)
    }

    fn may_fetch(&self, cache: &Cache) -> bool {
        let interval = if cache.keyring.is_some() {
            self.policy.min_interval
        } else {
            self.policy.min_interval_without_keys
        };
        cache.attempted_at.is_none_or(|at| at.elapsed() >= interval)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "ends within the timeout, and nothing is lost if it is cut off"
    )]
    fn spawn_fetch(self: &Arc<Self>) -> tokio::task::JoinHandle<()> {
        let keys = Arc::clone(self);
        tokio::spawn(async move {
            let _only = keys.fetching.lock().await;
            // The holder before us may have fetched already.
            if keys.start_attempt() {
                let fetched = keys.fetch().await;
                keys.store(fetched);
            }
        })
    }

    fn start_attempt(&self) -> bool {
        let mut cache = self.cache();
        let allowed = self.may_fetch(&cache);
        if allowed {
            cache.attempted_at = Some(Instant::now());
        }
        allowed
    }

    async fn fetch(&self) -> Result<Keyring, String> {
        let url = (self.jwks_url)()?;
        self.fetch_from(&url).await.map_err(|reason| format!("{url}: {reason}"))
    }

    async fn fetch_from(&self, url: &Url) -> Result<Keyring, String> {
        let response = self.http.get(url, None, FETCH_TIMEOUT).await?;
        if response.status != StatusCode::OK {
            return Err(format!("it answered {}", response.status));
        }
        let document = response.body;
        let keyring = parse(&document).map_err(|reason| format!("its answer {reason}"))?;
        self.file.store(document).await;
        Ok(keyring)
    }

    fn store(&self, fetched: Result<Keyring, String>) {
        let mut cache = self.cache();
        match fetched {
            Ok(keyring) => {
                cache.keyring = Some(Arc::new(keyring));
                cache.fetched_at = Some(Instant::now());
                cache.failure = None;
            }
            Err(reason) => {
                if cache.failure.as_ref() != Some(&reason) {
                    tracing::warn!(reason, "the keys of auth could not be fetched");
                }
                cache.failure = Some(reason);
            }
        }
    }

    fn unavailable(&self) -> KeysUnavailable {
        let reason = self
            .cache()
            .failure
            .clone()
            .unwrap_or_else(|| "they were not fetched yet".to_owned());
        KeysUnavailable { reason }
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for RemoteKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteKeys")
            .field("policy", &self.policy)
            .field("cache", &self.cache)
            .finish_non_exhaustive()
    }
}

fn parse(document: &[u8]) -> Result<Keyring, String> {
    let jwks: Jwks = serde_json::from_slice(document).map_err(|error| format!("is no key set: {error}"))?;
    let keyring = Keyring::new(&jwks);
    // Auth always has a key. An empty set must not sign all users out.
    if keyring.is_empty() {
        Err("has no key that can be used".to_owned())
    } else {
        Ok(keyring)
    }
}

#[cfg(test)]
mod tests;
