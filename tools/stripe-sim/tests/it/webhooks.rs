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
use tokio::{net::TcpSocket, sync::mpsc};
use tokio_util::task::TaskTracker;

use crate::client::{KEY, Stripe, any_port, config, send};

/// A receiver that fails the first `failures` times and then forwards each message.
struct Receiver {
    failures: Arc<AtomicU32>,
    sent: mpsc::UnboundedSender<(String, String)>,
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
        self.sent.send((signature, body)).unwrap();
        Ok(StatusCode::OK.into())
    }
}

pub(crate) async fn receiver(at: SocketAddr, failures: u32) -> (String, mpsc::UnboundedReceiver<(String, String)>) {
    let acceptor = TcpListener::bind(at).into_acceptor().await.unwrap();
    let url = format!("http://{}/hook", acceptor.local_addr()[0].as_socket_addr().unwrap());
    let (sent, received) = mpsc::unbounded_channel();
    let endpoint = Receiver {
        failures: Arc::new(AtomicU32::new(failures)),
        sent,
    };
    TaskTracker::new().spawn(Server::new_with_acceptor(acceptor).run(endpoint));
    (url, received)
}

pub(crate) async fn next(received: &mut mpsc::UnboundedReceiver<(String, String)>) -> (String, Value) {
    let (signature, body) = tokio::time::timeout(Duration::from_secs(10), received.recv())
        .await
        .unwrap()
        .unwrap();
    let event: Value = serde_json::from_str(&body).unwrap();
    (format!("{signature}\n{body}"), event)
}

fn is_signed(message: &str, secret: &str) -> bool {
    let (signature, body) = message.split_once('\n').unwrap();
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
    let (url, mut received) = receiver(any_port(), 2).await;
    let stripe = Stripe::start().await;
    let pairs = [("url", url.as_str()), ("enabled_events[]", "payment_intent.succeeded")];
    let endpoint = stripe.post("/v1/webhook_endpoints", &pairs).await.ok();
    let secret = endpoint["secret"].as_str().unwrap();
    let intent = stripe.pay("1999").await;
    let (message, event) = next(&mut received).await;
    assert!(is_signed(&message, secret));
    assert_eq!(
        (&event["type"], &event["data"]["object"]),
        (&"payment_intent.succeeded".into(), &intent)
    );

    stripe.sim.resend_event(event["id"].as_str().unwrap()).await.unwrap();
    assert_eq!(next(&mut received).await.1["id"], event["id"]);
    let path = format!("/v1/webhook_endpoints/{}", endpoint["id"].as_str().unwrap());
    assert!(stripe.get(&path).await.ok().get("secret").is_none());
    send(stripe.request(Method::DELETE, &path).bearer_auth(KEY)).await.ok();
    stripe.get(&path).await.error(404);
}

#[tokio::test]
async fn a_pending_event_is_delivered_by_the_next_simulator_on_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stripe.db");
    // An address without a listener, which nobody else is given.
    let reserved = TcpSocket::new_v4().unwrap();
    reserved.set_reuseaddr(true).unwrap();
    reserved.bind(any_port()).unwrap();
    let free = reserved.local_addr().unwrap();
    let mut config = config();
    config.webhook_backoff = Duration::from_mins(1);
    config.webhooks.push(Webhook {
        url: format!("http://{free}/hook"),
        secret: "whsec_test".to_owned(),
        events: vec!["*".to_owned()],
    });

    let stripe = Stripe::with_sim(Sim::open(&file, config.clone()).unwrap()).await;
    let intent = stripe
        .post("/v1/payment_intents", &[("amount", "500"), ("currency", "usd")])
        .await
        .ok();
    stripe.sim.close().await;

    let (_, mut received) = receiver(free, 0).await;
    let stripe = Stripe::with_sim(Sim::open(&file, config).unwrap()).await;
    let (message, event) = next(&mut received).await;
    assert!(is_signed(&message, "whsec_test"));
    assert_eq!(event["data"]["object"], intent);
    let endpoints = stripe.get("/v1/webhook_endpoints").await.ok();
    assert_eq!(
        endpoints["data"].as_array().unwrap().len(),
        1,
        "the configured endpoint is not duplicated"
    );
}
