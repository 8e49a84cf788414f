use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use hmac::{Hmac, KeyInit, Mac};
use poem::{
    Endpoint, Request, Response, Server,
    http::StatusCode,
    listener::{Acceptor, Listener, TcpListener},
};
use reqwest::Method;
use serde_json::Value;
use sha2::Sha256;
use stripe_sim::{Sim, Webhook};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use crate::client::{KEY, Stripe, anywhere, config, send};

/// A receiver that fails the first `failures` times and passes on what it was told.
struct Receiver {
    failures: Arc<AtomicU32>,
    told: mpsc::UnboundedSender<(String, String)>,
}

impl Endpoint for Receiver {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let signature = request.header("stripe-signature").unwrap_or_default().to_owned();
        let body = request.take_body().into_string().await?;
        let failing = self
            .failures
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
            .is_ok();
        if failing {
            return Ok(StatusCode::INTERNAL_SERVER_ERROR.into());
        }
        self.told.send((signature, body)).unwrap();
        Ok(StatusCode::OK.into())
    }
}

pub(crate) async fn receiver(at: SocketAddr, failures: u32) -> (String, mpsc::UnboundedReceiver<(String, String)>) {
    let acceptor = TcpListener::bind(at).into_acceptor().await.unwrap();
    let url = format!("http://{}/hook", acceptor.local_addr()[0].as_socket_addr().unwrap());
    let (told, heard) = mpsc::unbounded_channel();
    let receiver = Receiver {
        failures: Arc::new(AtomicU32::new(failures)),
        told,
    };
    TaskTracker::new().spawn(Server::new_with_acceptor(acceptor).run(receiver));
    (url, heard)
}

pub(crate) async fn next(heard: &mut mpsc::UnboundedReceiver<(String, String)>) -> (String, Value) {
    let (signature, body) = tokio::time::timeout(Duration::from_secs(10), heard.recv())
        .await
        .unwrap()
        .unwrap();
    let event: Value = serde_json::from_str(&body).unwrap();
    (format!("{signature}\n{body}"), event)
}

fn is_signed(letter: &str, secret: &str) -> bool {
    let (signature, body) = letter.split_once('\n').unwrap();
    let (moment, tag) = signature.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{moment}.{body}").as_bytes());
    let expected: Vec<u8> = tag
        .as_bytes()
        .chunks(2)
        .map(|digits| u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap())
        .collect();
    mac.verify_slice(&expected).is_ok()
}

#[tokio::test]
async fn an_event_is_delivered_signed_though_the_receiver_fails_at_first() {
    let (url, mut heard) = receiver(anywhere(), 2).await;
    let stripe = Stripe::start().await;
    let pairs = [("url", url.as_str()), ("enabled_events[]", "payment_intent.succeeded")];
    let endpoint = stripe.post("/v1/webhook_endpoints", &pairs).await.ok();
    let secret = endpoint["secret"].as_str().unwrap();
    let intent = stripe.pay("1999").await;
    let (letter, event) = next(&mut heard).await;
    assert!(is_signed(&letter, secret));
    assert_eq!(
        (&event["type"], &event["data"]["object"]),
        (&"payment_intent.succeeded".into(), &intent)
    );

    stripe.sim.resend_event(event["id"].as_str().unwrap()).await.unwrap();
    assert_eq!(next(&mut heard).await.1["id"], event["id"]);
    let path = format!("/v1/webhook_endpoints/{}", endpoint["id"].as_str().unwrap());
    assert!(stripe.get(&path).await.ok().get("secret").is_none());
    send(stripe.request(Method::DELETE, &path).bearer_auth(KEY)).await.ok();
    stripe.get(&path).await.refused(404);
}

#[tokio::test]
async fn what_was_not_delivered_is_delivered_by_the_next_double_on_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stripe.db");
    // An address at which nobody listens yet.
    let free = std::net::TcpListener::bind(anywhere()).unwrap().local_addr().unwrap();
    let mut config = config();
    config.webhook_backoff = Duration::from_mins(1);
    config.webhooks.push(Webhook {
        url: format!("http://{free}/hook"),
        secret: "whsec_test".to_owned(),
        events: vec!["*".to_owned()],
    });

    let stripe = Stripe::over(Sim::open(&file, config.clone()).unwrap()).await;
    let intent = stripe
        .post("/v1/payment_intents", &[("amount", "500"), ("currency", "usd")])
        .await
        .ok();
    stripe.sim.close().await;

    let (_, mut heard) = receiver(free, 0).await;
    let stripe = Stripe::over(Sim::open(&file, config).unwrap()).await;
    let (letter, event) = next(&mut heard).await;
    assert!(is_signed(&letter, "whsec_test"));
    assert_eq!(event["data"]["object"], intent);
    let endpoints = stripe.get("/v1/webhook_endpoints").await.ok();
    assert_eq!(
        endpoints["data"].as_array().unwrap().len(),
        1,
        "the configured endpoint is not doubled"
    );
}
