//! Clients that hang up before they get a response. The server then drops the handler at whatever it waits for.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, net::TcpStream, time::sleep};

use crate::{
    Client, Reply, eventually,
    stripe::amount_charged_once,
    test_app::TestApp,
    user::{PASSWORD, User, new_email, ticket_body},
};

/// How long the clients wait before they hang up: from before the request is read until after it is answered.
const WAITS_MS: [u64; 8] = [0, 1, 2, 4, 8, 16, 40, 120];

/// A client that sends each write twice: it abandons the first, and waits for the response of the second.
struct HastyClient {
    url: String,
    token: Option<String>,
    wait: Duration,
}

impl HastyClient {
    fn new(app: &TestApp, user: Option<&User>, wait: Duration) -> Self {
        Self {
            url: app.url(),
            token: user.map(|user| user.token.clone()),
            wait,
        }
    }

    fn headers(&self, key: Option<&str>) -> Vec<(&'static str, String)> {
        let token = (self.token.iter()).map(|token| ("authorization", format!("Bearer {token}")));
        let key = key.map(|key| ("idempotency-key", key.to_owned()));
        token.chain(key).collect()
    }

    /// Sends the request over a connection of its own, and resets the connection after the wait.
    async fn abandon(&self, method: &Method, path: &str, key: Option<&str>, body: Option<&Value>) {
        let address = self.url.strip_prefix("http://").unwrap();
        let mut connection = TcpStream::connect(address).await.unwrap();
        connection.set_zero_linger().unwrap();
        let headers = self.headers(key).into_iter();
        let headers = headers
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect::<Vec<_>>()
            .concat();
        let body = body.map(Value::to_string);
        let content = body.as_ref().map(|body| {
            let length = body.len();
            format!("content-type: application/json\r\ncontent-length: {length}\r\n")
        });
        let (content, body) = (content.unwrap_or_default(), body.unwrap_or_default());
        let request = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\n{headers}{content}\r\n{body}");
        connection.write_all(request.as_bytes()).await.unwrap();
        // It waits for nothing: each request is abandoned at another moment.
        sleep(self.wait).await;
    }

    async fn repeat(&self, method: Method, path: &str, key: Option<&str>, body: Option<&Value>) -> Reply {
        let headers = self.headers(key).into_iter();
        let client = headers.fold(Client::new(&self.url), |client, (name, value)| client.with(name, value));
        client.send(method, path, body.map(Value::to_string)).await
    }

    async fn post(&self, path: &str, body: Value) -> Reply {
        let key = format!("{path}-{:?}", self.wait);
        self.abandon(&Method::POST, path, Some(&key), Some(&body)).await;
        self.repeat(Method::POST, path, Some(&key), Some(&body)).await
    }

    /// Pays, and repeats that until the abandoned request is no longer under way.
    async fn pay(&self, order: &str) {
        let (path, key) = ("/api/v1/payments", format!("pay-{order}"));
        let body = json!({"orderId": order, "token": "tok_visa"});
        self.abandon(&Method::POST, path, Some(&key), Some(&body)).await;
        eventually("the payment is created", || async {
            let reply = self.repeat(Method::POST, path, Some(&key), Some(&body)).await;
            assert!([201, 409, 503].contains(&reply.status.as_u16()), "{}", reply.text);
            (reply.status == 201).then_some(())
        })
        .await;
    }

    async fn put(&self, path: &str, body: Value) -> Reply {
        self.abandon(&Method::PUT, path, None, Some(&body)).await;
        self.repeat(Method::PUT, path, None, Some(&body)).await
    }

    async fn delete(&self, path: &str) -> Reply {
        self.abandon(&Method::DELETE, path, None, None).await;
        self.repeat(Method::DELETE, path, None, None).await
    }
}

/// Returns the number of resources on the first page of a list.
async fn count(user: &User, path: &str) -> usize {
    let page = user.client().get(path).await.expect(200).json();
    page["items"].as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abandoned_write_is_done_once_or_not_at_all_and_can_be_repeated() {
    let app = TestApp::shared();
    for wait in WAITS_MS.map(Duration::from_millis) {
        let credentials = json!({"email": new_email(), "password": PASSWORD});
        let visitor = HastyClient::new(&app, None, wait);
        let session = visitor.post("/api/v1/auth/signup", credentials).await.expect(201);
        let (buyer, seller) = (app.user().await, app.user().await);
        let seller = seller.with_token(&app.url(), &session.text_at("/accessToken"));
        let (buying, selling) = (
            HastyClient::new(&app, Some(&buyer), wait),
            HastyClient::new(&app, Some(&seller), wait),
        );

        let listed = selling
            .post("/api/v1/tickets", ticket_body(json!({"quantity": 9})))
            .await;
        let ticket = listed.expect(201).text_at("/id");
        assert_eq!(count(&seller, "/api/v1/tickets?seller=me").await, 1, "{wait:?}");
        let listing = format!("/api/v1/tickets/{ticket}");
        let edited = selling.put(&listing, ticket_body(json!({"quantity": 8}))).await;
        assert_eq!(edited.expect(200).json()["quantity"], 8);

        // The other services have replicas before their requests are abandoned.
        let cancelled = buyer.hold_tickets(&ticket, 1).await;
        let _ = buying.delete(&format!("/api/v1/orders/{cancelled}")).await.expect(204);
        let placed = buying
            .post("/api/v1/orders", json!({"ticketId": ticket, "quantity": 2}))
            .await;
        let order = placed.expect(201).text_at("/id");
        assert_eq!(count(&buyer, "/api/v1/orders").await, 2, "{wait:?}");
        let _ = buyer.pay(&order, "tok_chargeDeclined").await.expect(402);
        buying.pay(&order).await;
        buyer.wait_for_status(&order, "complete").await;
        assert_eq!(
            amount_charged_once(app.stripe_simulator(), &order).await,
            3998,
            "{wait:?}"
        );

        let refunds = format!("/api/v1/orders/{order}/refunds");
        let requested = buying.post(&refunds, json!({"quantity": 1})).await;
        let refund = requested.expect(201).text_at("/id");
        assert_eq!(count(&buyer, &refunds).await, 1, "{wait:?}");
        let approved = selling.post(&format!("{refunds}/{refund}/approve"), json!({})).await;
        let _ = approved.expect(200);
        buyer.wait_for_status(&order, "partially_refunded").await;
        let _ = selling.delete(&listing).await.expect(204);
        buyer.wait_for_status(&order, "refunded").await;
        seller.wait_for_stock(&ticket, 0, 0).await;
    }
    // Databases and parked messages are checked when the stack is dropped.
}
