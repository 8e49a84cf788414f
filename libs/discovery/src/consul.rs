use std::{fmt, time::Duration};

use fetch::{FetchLimits, Fetched, Fetcher};
use http::{
    StatusCode,
    header::{HeaderName, HeaderValue},
};
use tls::{ClientTls, TlsError};
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use url::Url;

use crate::{
    Address, Resolver, ServiceName,
    health_response::parse_addresses,
    resolver::Resolution,
    watcher::{QueryTiming, Watcher},
};

/// Room for thousands of instances.
const MAX_RESPONSE_BYTES: usize = 1024 * 1024;

/// The time that connecting may take. The agent is on this machine.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Added to the timeout of a blocking query: Consul adds up to a sixteenth to the wait, and then sends its response.
const QUERY_TIMEOUT_MARGIN: Duration = Duration::from_secs(10);

const TOKEN: HeaderName = HeaderName::from_static("x-consul-token");
const INDEX: HeaderName = HeaderName::from_static("x-consul-index");

const LIMITS: FetchLimits = FetchLimits {
    connect: CONNECT_TIMEOUT,
    bytes: MAX_RESPONSE_BYTES,
    // One for each watched service.
    idle_connections: 4,
    local_address: None,
};

/// A client of a Consul agent, usually the one on this machine. Cheap to clone.
#[derive(Clone)]
pub struct Consul {
    url: Url,
    token: Option<HeaderValue>,
    http: Fetcher,
    timing: QueryTiming,
}

/// The agent cannot be queried with this configuration. The message contains no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConsulConfigError {
    /// The URL is not that of an agent.
    #[error("must be the address of a Consul agent, such as http://127.0.0.1:8500 or https://127.0.0.1:8501")]
    Url,
    /// The token cannot be sent in a header.
    #[error("the token holds characters that no header can hold")]
    Token,
    /// TLS cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// The healthy instances of a service, and the index to pass to the next query.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ConsulResult {
    pub(crate) index: u64,
    pub(crate) instances: Vec<Address>,
}

impl Consul {
    /// Creates a client of the agent at `url`, with a token that may read services and nodes, if it requires one.
    ///
    /// `tls` is needed for an `https` URL.
    pub fn new(url: &Url, token: Option<&str>, tls: Option<&ClientTls>) -> Result<Self, ConsulConfigError> {
        let bare = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        if !["http", "https"].contains(&url.scheme()) || !url.has_host() || !bare || url.path() != "/" {
            return Err(ConsulConfigError::Url);
        }
        let token = token.map(|token| {
            let mut header = HeaderValue::from_str(token).map_err(|_| ConsulConfigError::Token)?;
            header.set_sensitive(true);
            Ok::<_, ConsulConfigError>(header)
        });
        Ok(Self {
            url: url.clone(),
            token: token.transpose()?,
            http: Fetcher::new(LIMITS, tls),
            timing: QueryTiming::DEFAULT,
        })
    }

    #[cfg(test)]
    pub(crate) fn with_timing(self, timing: QueryTiming) -> Self {
        Self { timing, ..self }
    }

    /// Watches the healthy instances of a service, in a task of `tasks`, until `shutdown`.
    pub fn watch(&self, service: ServiceName, shutdown: CancellationToken, tasks: &TaskTracker) -> Resolver {
        let (resolution, receiver) = watch::channel(Resolution::default());
        let watcher = Watcher::new(self.clone(), service.clone(), self.timing, resolution);
        tasks.spawn(async move {
            shutdown.run_until_cancelled(watcher.run()).await;
        });
        Resolver::new(service, receiver)
    }

    /// Queries the address of a healthy instance once: for a short-lived command.
    pub async fn locate(&self, service: &ServiceName) -> Result<Address, String> {
        let result = self.query(service, 0, Duration::ZERO).await?;
        result
            .instances
            .into_iter()
            .next()
            .ok_or_else(|| format!("Consul reports no healthy instance of {service}"))
    }

    /// Queries the healthy instances. Consul responds at once if `index` is 0, else when they have changed since
    /// `index`, or after `wait`.
    pub(crate) async fn query(
        &self,
        service: &ServiceName,
        index: u64,
        wait: Duration,
    ) -> Result<ConsulResult, String> {
        let mut url = self.url.clone();
        url.set_path(&format!("/v1/health/service/{service}"));
        // Any server may respond, also one that has lost its leader: an outdated address is better than none.
        url.query_pairs_mut()
            .append_key_only("passing")
            .append_key_only("stale");
        if index > 0 {
            let wait = format!("{}ms", wait.as_millis());
            url.query_pairs_mut()
                .append_pair("index", &index.to_string())
                .append_pair("wait", &wait);
        }
        let timeout = wait + wait / 16 + QUERY_TIMEOUT_MARGIN;
        let token = self.token.clone().map(|token| (TOKEN, token));
        let Fetched { status, headers, body } = self.http.get(&url, token, timeout).await?;
        if status != StatusCode::OK {
            let excerpt = String::from_utf8_lossy(&body).chars().take(200).collect::<String>();
            return Err(format!("it answered {status}: {}", excerpt.trim()));
        }
        let index = headers.get(INDEX).and_then(|index| index.to_str().ok()?.parse().ok());
        let instances = parse_addresses(&body).map_err(|error| format!("its answer cannot be read: {error}"))?;
        Ok(ConsulResult {
            index: index.unwrap_or_default(),
            instances,
        })
    }
}

/// Without the token.
impl fmt::Debug for Consul {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the Consul agent at {}", self.url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_of_an_agent_has_a_host_without_path_query_or_credentials() {
        let usable = |url: &str| Consul::new(&url.parse().unwrap(), None, None).map(drop);
        assert_eq!(usable("http://127.0.0.1:8500"), Ok(()));
        assert_eq!(usable("http://[::1]:8500/"), Ok(()));
        assert_eq!(usable("https://consul.example:8501"), Ok(()));
        for bad in [
            "ftp://consul:8501",
            "http://user@consul:8500",
            "http://consul:8500/v1",
            "http://consul/?dc=1",
        ] {
            assert_eq!(usable(bad), Err(ConsulConfigError::Url), "{bad}");
        }
    }

    #[test]
    fn a_token_is_never_shown() {
        let url = "http://127.0.0.1:8500".parse().unwrap();
        let consul = Consul::new(&url, Some("s3cret"), None).unwrap();
        assert!(!format!("{consul:?} {:?}", consul.token).contains("s3cret"));
        assert_eq!(
            Consul::new(&url, Some("a\nb"), None).unwrap_err(),
            ConsulConfigError::Token
        );
    }
}
