use std::{fmt, time::Duration};

use reqwest::{
    Client, StatusCode,
    header::{HeaderName, HeaderValue},
    redirect,
};
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use url::Url;

use crate::{
    Address, Found, ServiceName,
    answer::addresses,
    follow::{Follower, Pace},
    found::Known,
};

/// Thousands of instances.
const LARGEST_ANSWER: usize = 1024 * 1024;

/// How long connecting may take: the agent is next door.
const CONNECT: Duration = Duration::from_secs(2);

/// How much longer than it was asked to wait Consul may take: it adds up to a sixteenth, and then it has to answer.
const SLACK: Duration = Duration::from_secs(10);

const TOKEN: HeaderName = HeaderName::from_static("x-consul-token");
const INDEX: HeaderName = HeaderName::from_static("x-consul-index");

/// The Consul agent that is asked, usually the one on this machine. Cheap to clone.
#[derive(Clone)]
pub struct Consul {
    url: Url,
    token: Option<HeaderValue>,
    http: Client,
    pace: Pace,
}

/// Why an agent cannot be asked at all. It repeats no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Where it is cannot be understood.
    #[error("must be the address of a Consul agent, such as http://127.0.0.1:8500")]
    Url,
    /// No token looks like this.
    #[error("the token holds characters that no header can hold")]
    Token,
    /// The system gave us no HTTP client.
    #[error("no HTTP client could be made: {0}")]
    Client(String),
}

/// One answer: who is healthy, and what to wait from next time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) index: u64,
    pub(crate) instances: Vec<Address>,
}

impl Consul {
    /// The agent at `url`, with a token that may read services and nodes, where it asks for one.
    ///
    /// Only plain HTTP: the agent is on this machine.
    pub fn new(url: &Url, token: Option<&str>) -> Result<Self, Unusable> {
        let bare = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        if url.scheme() != "http" || !url.has_host() || !bare || url.path() != "/" {
            return Err(Unusable::Url);
        }
        let token = token.map(|token| {
            let mut header = HeaderValue::from_str(token).map_err(|_| Unusable::Token)?;
            header.set_sensitive(true);
            Ok(header)
        });
        let http = Client::builder()
            .connect_timeout(CONNECT)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| Unusable::Client(chain(&error)))?;
        Ok(Self {
            url: url.clone(),
            token: token.transpose()?,
            http,
            pace: Pace::USUAL,
        })
    }

    #[cfg(test)]
    pub(crate) fn paced(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    /// Follows where a service is, in a task of `tasks`, until `shutdown`.
    pub fn follow(&self, service: ServiceName, shutdown: CancellationToken, tasks: &TaskTracker) -> Found {
        let (known, receiver) = watch::channel(Known::default());
        let follower = Follower::new(self.clone(), service.clone(), self.pace, known);
        tasks.spawn(async move {
            shutdown.run_until_cancelled(follower.run()).await;
        });
        Found::new(service, receiver)
    }

    /// Where a service is at this moment, asked once: for a command that ends soon.
    pub async fn locate(&self, service: &ServiceName) -> Result<Address, String> {
        let answer = self.ask(service, 0, Duration::ZERO).await?;
        answer
            .instances
            .into_iter()
            .next()
            .ok_or_else(|| format!("Consul knows no healthy instance of {service}"))
    }

    /// Asks who is healthy, and lets Consul wait with the answer until something has changed since `index`. At 0 it
    /// answers at once.
    pub(crate) async fn ask(&self, service: &ServiceName, index: u64, wait: Duration) -> Result<Answer, String> {
        let mut url = self.url.clone();
        url.set_path(&format!("/v1/health/service/{service}"));
        // Any server may answer, also one that has lost its leader: an old address is better than none.
        url.query_pairs_mut()
            .append_key_only("passing")
            .append_key_only("stale");
        if index > 0 {
            let wait = format!("{}ms", wait.as_millis());
            url.query_pairs_mut()
                .append_pair("index", &index.to_string())
                .append_pair("wait", &wait);
        }
        let mut request = self.http.get(url).timeout(wait + wait / 16 + SLACK);
        if let Some(token) = &self.token {
            request = request.header(TOKEN, token.clone());
        }
        let mut response = request.send().await.map_err(|error| chain(&error.without_url()))?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(|error| chain(&error.without_url()))? {
            body.extend_from_slice(&part);
            if body.len() > LARGEST_ANSWER {
                return Err("its answer is too long".to_owned());
            }
        }
        if status != StatusCode::OK {
            let told = String::from_utf8_lossy(&body).chars().take(200).collect::<String>();
            return Err(format!("it answered {status}: {}", told.trim()));
        }
        let index = response
            .headers()
            .get(INDEX)
            .and_then(|index| index.to_str().ok()?.parse().ok());
        let instances = addresses(&body).map_err(|error| format!("its answer cannot be read: {error}"))?;
        Ok(Answer {
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
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_asked_over_plain_http_and_nothing_else_is_in_its_address() {
        let usable = |url: &str| Consul::new(&url.parse().unwrap(), None).map(drop);
        assert_eq!(usable("http://127.0.0.1:8500"), Ok(()));
        assert_eq!(usable("http://[::1]:8500/"), Ok(()));
        for bad in [
            "https://consul:8501",
            "http://user@consul:8500",
            "http://consul:8500/v1",
            "http://consul/?dc=1",
        ] {
            assert_eq!(usable(bad), Err(Unusable::Url), "{bad}");
        }
    }

    #[test]
    fn a_token_is_never_shown() {
        let url = "http://127.0.0.1:8500".parse().unwrap();
        let consul = Consul::new(&url, Some("s3cret")).unwrap();
        assert!(!format!("{consul:?} {:?}", consul.token).contains("s3cret"));
        assert_eq!(Consul::new(&url, Some("a\nb")).unwrap_err(), Unusable::Token);
    }
}
