//! A running simulator and an HTTP client of it.

use std::{net::SocketAddr, time::Duration};

use reqwest::{Client, Method, RequestBuilder, StatusCode, header::HeaderMap};
use serde_json::Value;
use stripe_sim::{Config, RunningSim, Sim};
use url::form_urlencoded::Serializer;
use values::{Clock, Timestamp};

pub(crate) const KEY: &str = "sk_test_0123456789";

pub(crate) fn config() -> Config {
    let mut config = Config::new(KEY);
    config.clock = Clock::manual(Timestamp::from_millis(1_800_000_000_000));
    config.webhook_backoff = Duration::from_millis(5);
    // Effects happen only by `run_scheduled`.
    config.scheduled_delay = None;
    config
}

/// Port 0: any free port.
pub(crate) fn any_port() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// A simulator on a port of its own.
pub(crate) struct Stripe {
    pub(crate) sim: Sim,
    pub(crate) running: RunningSim,
    http: Client,
}

/// A response and its parsed body.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Reply {
    /// Returns the body of a response with status 200.
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        self.body
    }

    /// Returns the error object of a response with this status.
    pub(crate) fn error(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        assert!(self.headers.contains_key("request-id"));
        self.body["error"].clone()
    }
}

impl Stripe {
    pub(crate) async fn start() -> Self {
        Self::with_sim(Sim::in_memory(config()).unwrap()).await
    }

    pub(crate) async fn with_sim(sim: Sim) -> Self {
        let running = sim.serve(any_port()).await.unwrap();
        let http = Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(20))
            .build()
            .unwrap();
        Self { sim, running, http }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.running.url))
    }

    pub(crate) fn form(&self, path: &str, pairs: &[(&str, &str)]) -> RequestBuilder {
        let body = Serializer::new(String::new()).extend_pairs(pairs).finish();
        self.request(Method::POST, path)
            .bearer_auth(KEY)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
    }

    pub(crate) async fn post(&self, path: &str, pairs: &[(&str, &str)]) -> Reply {
        send(self.form(path, pairs)).await
    }

    pub(crate) async fn post_with_key(&self, path: &str, pairs: &[(&str, &str)], key: &str) -> Reply {
        send(self.form(path, pairs).header("idempotency-key", key)).await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        send(self.request(Method::GET, path).bearer_auth(KEY)).await
    }

    /// Authorises an amount on a card that is approved, for manual capture.
    pub(crate) async fn authorise(&self, amount: &str) -> Value {
        self.post("/v1/payment_intents", &authorisation(amount, "tok_visa"))
            .await
            .ok()
    }

    /// Charges an amount on a card that is approved.
    pub(crate) async fn pay(&self, amount: &str) -> Value {
        let mut pairs = authorisation(amount, "tok_visa");
        pairs.retain(|(name, _)| *name != "capture_method");
        self.post("/v1/payment_intents", &pairs).await.ok()
    }

    /// Returns how often the handler of a request ran with status 200.
    pub(crate) async fn executions(&self, method: &str, path: &str) -> usize {
        let requests = self.sim.requests().await.unwrap();
        let matching = requests
            .iter()
            .filter(|request| request.method == method && request.path == path);
        matching
            .filter(|request| request.executed && request.status == Some(200))
            .count()
    }
}

pub(crate) async fn send(request: RequestBuilder) -> Reply {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    Reply {
        status,
        headers,
        body: response.json().await.unwrap(),
    }
}

/// The parameters that the payment service sends.
pub(crate) fn authorisation<'a>(amount: &'a str, token: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("amount", amount),
        ("currency", "usd"),
        ("capture_method", "manual"),
        ("confirm", "true"),
        ("payment_method_types[]", "card"),
        ("payment_method_data[type]", "card"),
        ("payment_method_data[card][token]", token),
        ("metadata[order_id]", "order-1"),
    ]
}
