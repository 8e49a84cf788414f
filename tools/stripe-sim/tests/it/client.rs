//! A running double and a client that knows nothing of it but HTTP.

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
    // What happens later happens when a test says so.
    config.scheduled_delay = None;
    config
}

pub(crate) fn anywhere() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// A double on a port of its own.
pub(crate) struct Stripe {
    pub(crate) sim: Sim,
    pub(crate) running: RunningSim,
    http: Client,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Got {
    /// The object, once it is sure that it is none of an error.
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        self.body
    }

    /// The error object, once its status is checked.
    pub(crate) fn refused(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        assert!(self.headers.contains_key("request-id"));
        self.body["error"].clone()
    }
}

impl Stripe {
    pub(crate) async fn start() -> Self {
        Self::over(Sim::in_memory(config()).unwrap()).await
    }

    pub(crate) async fn over(sim: Sim) -> Self {
        let running = sim.serve(anywhere()).await.unwrap();
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

    pub(crate) async fn post(&self, path: &str, pairs: &[(&str, &str)]) -> Got {
        send(self.form(path, pairs)).await
    }

    pub(crate) async fn post_with_key(&self, path: &str, pairs: &[(&str, &str)], key: &str) -> Got {
        send(self.form(path, pairs).header("idempotency-key", key)).await
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        send(self.request(Method::GET, path).bearer_auth(KEY)).await
    }

    /// Authorises an amount on a card that pays, to be captured by hand.
    pub(crate) async fn authorise(&self, amount: &str) -> Value {
        self.post("/v1/payment_intents", &authorisation(amount, "tok_visa"))
            .await
            .ok()
    }

    /// Charges an amount on a card that pays.
    pub(crate) async fn pay(&self, amount: &str) -> Value {
        let mut pairs = authorisation(amount, "tok_visa");
        pairs.retain(|(name, _)| *name != "capture_method");
        self.post("/v1/payment_intents", &pairs).await.ok()
    }

    /// How often an endpoint really ran, and answered 200.
    pub(crate) async fn ran(&self, method: &str, path: &str) -> usize {
        let requests = self.sim.requests().await.unwrap();
        let ran = requests
            .iter()
            .filter(|request| request.method == method && request.path == path);
        ran.filter(|request| request.executed && request.status == Some(200))
            .count()
    }
}

pub(crate) async fn send(request: RequestBuilder) -> Got {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    Got {
        status,
        headers,
        body: response.json().await.unwrap(),
    }
}

/// What our payment service sends.
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
