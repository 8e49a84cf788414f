//! A shop: a page on an origin of its own, with a policy that allows the script and nothing inline.

use poem::{
    Response, Route, Server,
    endpoint::make_sync,
    http::header,
    listener::{Acceptor, Listener, TcpListener},
};
use serde_json::Value;
use stripe_sim::{Config, RunningSim, Sim};
use tokio_util::task::TaskTracker;

const KEY: &str = "sk_test_browser";

/// A shop with a simulator.
pub(crate) struct Shop {
    pub(crate) sim: Sim,
    stripe: RunningSim,
    pub(crate) url: String,
}

fn page(origin: &str) -> Response {
    let policy = format!("default-src 'none'; script-src 'self' {origin}; frame-src {origin}; connect-src {origin}");
    Response::builder()
        .content_type("text/html; charset=utf-8")
        .header(header::CONTENT_SECURITY_POLICY, policy)
        .body(include_str!("page.html").replace("{{script}}", &format!("{origin}/v3/")))
}

fn script() -> Response {
    Response::builder()
        .content_type("text/javascript")
        .body(include_str!("page.js"))
}

fn done() -> Response {
    Response::builder()
        .content_type("text/html; charset=utf-8")
        .body("<!doctype html><title>Done</title><p id=done>Done</p>")
}

impl Shop {
    pub(crate) async fn open() -> Self {
        let sim = Sim::in_memory(Config::new(KEY)).unwrap();
        let stripe = sim.serve("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let origin = stripe.url.clone();
        let app = Route::new()
            .at("/", make_sync(move |_| page(&origin)))
            .at("/page.js", make_sync(|_| script()))
            .at("/done", make_sync(|_| done()));
        let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.unwrap();
        let address = *acceptor.local_addr()[0].as_socket_addr().unwrap();
        TaskTracker::new().spawn(Server::new_with_acceptor(acceptor).run(app));
        Self {
            sim,
            stripe,
            url: format!("http://{address}"),
        }
    }

    /// Creates an intent as the payment service does. Returns its id and its client secret.
    pub(crate) async fn intent(&self) -> (String, String) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let response = client
            .post(format!("{}/v1/payment_intents", self.stripe.url))
            .bearer_auth(KEY)
            .header("content-type", "application/x-www-form-urlencoded")
            .body("amount=1999&currency=usd&capture_method=manual&automatic_payment_methods[enabled]=true")
            .send()
            .await
            .unwrap();
        let intent: Value = response.json().await.unwrap();
        let text = |name: &str| intent[name].as_str().unwrap().to_owned();
        (text("id"), text("client_secret"))
    }

    /// Returns the status of an intent.
    pub(crate) async fn status(&self, id: &str) -> String {
        let intents = self.sim.payment_intents().await.unwrap();
        let intent = intents.iter().find(|intent| intent["id"] == id).unwrap();
        intent["status"].as_str().unwrap().to_owned()
    }

    /// Returns the address of the page for an intent.
    pub(crate) fn checkout(&self, secret: &str, more: &str) -> String {
        format!("{}/?key=pk_test_browser&secret={secret}{more}", self.url)
    }
}
