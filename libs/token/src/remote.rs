use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use reqwest::{Client, redirect};
use url::Url;

use crate::{Jwks, Keyring};

use kept::Kept;

mod kept;

/// How long one reading may take; auth answers from memory.
const TIMEOUT: Duration = Duration::from_secs(2);

/// More than a hundred keys.
const LARGEST_DOCUMENT: usize = 64 * 1024;

/// How often auth may be asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Keys older than this are read again, while they go on being used.
    pub(crate) renew: Duration,
    /// At most once in this time, however many unknown keys are named. So a rotated key is known here at the latest
    /// after this time.
    pub(crate) pause: Duration,
    /// The same while there are no keys at all.
    pub(crate) first: Duration,
}

impl Pace {
    const USUAL: Self = Self {
        renew: Duration::from_mins(5),
        pause: Duration::from_secs(2),
        first: Duration::from_millis(250),
    };
}

/// Auth has never been reached.
#[derive(Debug)]
pub(crate) struct Unreachable {
    pub(crate) reason: String,
}

/// Where the keys are published, or why that is not known.
type Address = Box<dyn Fn() -> Result<Url, String> + Send + Sync>;

/// The keys that auth publishes, as last read.
pub(crate) struct Remote {
    address: Address,
    kept: Kept,
    http: Client,
    pace: Pace,
    known: Mutex<Known>,
    /// Held while auth is being asked: whoever needs the answer waits for the same one.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    ring: Option<Arc<Keyring>>,
    read_at: Option<Instant>,
    asked_at: Option<Instant>,
    failure: Option<String>,
}

impl Remote {
    pub(crate) fn new(
        address: impl Fn() -> Result<Url, String> + Send + Sync + 'static,
        kept_at: PathBuf,
    ) -> Result<Self, reqwest::Error> {
        Self::with_pace(address, Pace::USUAL, kept_at)
    }

    pub(crate) fn with_pace(
        address: impl Fn() -> Result<Url, String> + Send + Sync + 'static,
        pace: Pace,
        kept_at: PathBuf,
    ) -> Result<Self, reqwest::Error> {
        let http = Client::builder()
            .timeout(TIMEOUT)
            .redirect(redirect::Policy::none())
            // It is next door; a proxy is for the way out.
            .no_proxy()
            .pool_max_idle_per_host(0)
            .build()?;
        let kept = Kept::at(kept_at);
        let known = Known {
            ring: kept.ring().map(Arc::new),
            ..Known::default()
        };
        Ok(Self {
            address: Box::new(address),
            kept,
            http,
            pace,
            known: Mutex::new(known),
            asking: tokio::sync::Mutex::default(),
        })
    }

    /// The keys, having asked auth if `kid` is not among them. It may not be among them afterwards either.
    pub(crate) async fn ring_for(self: &Arc<Self>, kid: &str) -> Result<Arc<Keyring>, Unreachable> {
        let (ring, stale) = self.ring();
        match ring {
            Some(ring) if ring.get(kid).is_some() => {
                if stale {
                    drop(self.ask());
                }
                Ok(ring)
            }
            _ => {
                // A task of its own: it is for everybody, so it goes on when this request is given up.
                let _ended = self.ask().await;
                self.ring().0.ok_or_else(|| self.unreachable())
            }
        }
    }

    fn ring(&self) -> (Option<Arc<Keyring>>, bool) {
        let known = self.known();
        let stale = known.read_at.is_none_or(|at| at.elapsed() >= self.pace.renew) && self.may_ask(&known);
        (known.ring.clone(), stale)
    }

    fn may_ask(&self, known: &Known) -> bool {
        let pause = if known.ring.is_some() {
            self.pace.pause
        } else {
            self.pace.first
        };
        known.asked_at.is_none_or(|at| at.elapsed() >= pause)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "ends within the timeout, and nothing is lost if it is cut off"
    )]
    fn ask(self: &Arc<Self>) -> tokio::task::JoinHandle<()> {
        let remote = Arc::clone(self);
        tokio::spawn(async move {
            let _alone = remote.asking.lock().await;
            // Whoever was before us may just have asked.
            if remote.begin() {
                let answer = remote.fetch().await;
                remote.learn(answer);
            }
        })
    }

    fn begin(&self) -> bool {
        let mut known = self.known();
        let may = self.may_ask(&known);
        if may {
            known.asked_at = Some(Instant::now());
        }
        may
    }

    async fn fetch(&self) -> Result<Keyring, String> {
        let url = (self.address)()?;
        self.fetch_from(&url).await.map_err(|reason| format!("{url}: {reason}"))
    }

    async fn fetch_from(&self, url: &Url) -> Result<Keyring, String> {
        let request = self.http.get(url.clone()).send();
        let mut response = request.await.map_err(|error| chain(&error.without_url()))?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(format!("it answered {}", response.status()));
        }
        let mut document = Vec::new();
        while let Some(part) = response.chunk().await.map_err(|error| chain(&error.without_url()))? {
            document.extend_from_slice(&part);
            if document.len() > LARGEST_DOCUMENT {
                return Err("its answer is too long".to_owned());
            }
        }
        let ring = parse(&document).map_err(|reason| format!("its answer {reason}"))?;
        self.kept.keep(document).await;
        Ok(ring)
    }

    fn learn(&self, answer: Result<Keyring, String>) {
        let mut known = self.known();
        match answer {
            Ok(ring) => {
                known.ring = Some(Arc::new(ring));
                known.read_at = Some(Instant::now());
                known.failure = None;
            }
            Err(reason) => {
                if known.failure.as_ref() != Some(&reason) {
                    tracing::warn!(reason, "the keys of auth could not be read");
                }
                known.failure = Some(reason);
            }
        }
    }

    fn unreachable(&self) -> Unreachable {
        let reason = self
            .known()
            .failure
            .clone()
            .unwrap_or_else(|| "it was not asked yet".to_owned());
        Unreachable { reason }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field("pace", &self.pace)
            .field("known", &self.known)
            .finish_non_exhaustive()
    }
}

fn parse(document: &[u8]) -> Result<Keyring, String> {
    let jwks: Jwks = serde_json::from_slice(document).map_err(|error| format!("is no key set: {error}"))?;
    let ring = Keyring::new(&jwks);
    // Auth always has a key. An empty set must not sign everybody out.
    if ring.is_empty() {
        Err("has no key that can be used".to_owned())
    } else {
        Ok(ring)
    }
}

/// An error with its causes, in one line: reqwest's own words alone say little.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
