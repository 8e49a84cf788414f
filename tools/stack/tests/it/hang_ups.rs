//! Clients that hang up before they get a response. The server then drops the handler at whatever it waits for.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, net::TcpStream, time::sleep};

use crate::{
    Reply, eventually,
    stripe::amount_charged_once,
    test_app::TestApp,
    user::{PASSWORD, User, new_email, ticket_body},
};

/// How long the clients wait before they hang up: from before the request is read until after it is answered.
const WAITS_MS: [u64; 8] = [0, 1, 2, 4, 8, 16, 40, 120];

/// A write operation.
struct Write<'a> {
    method: Method,
    path: String,
    body: Value,
    /// The access token and the `Idempotency-Key`.
    token: Option<&'a str>,
    key: Option<String>,
}

impl Write<'_> {
    /// Sends the request to `url` over a connection of its own, and resets the connection after a time.
    async fn hang_up(&self, url: &str, after: Duration) {
        let address = url.strip_prefix("http://").unwrap();
        let mut connection = TcpStream::connect(address).await.unwrap();
        connection.set_zero_linger().unwrap();
        let body = self.body.to_string();
        let token = self.token.map(|token| format!("authorization: Bearer {token}\r\n"));
        let key = self.key.as_ref().map(|key| format!("idempotency-key: {key}\r\n"));
        let (content, body) = if self.method == Method::DELETE {
            (String::new(), "")
        } else {
            let length = body.len();
            (
                format!("content-type: application/json\r\ncontent-length: {length}\r\n"),
                body.as_str(),
            )
        };
        let request = format!(
            "{} {} HTTP/1.1\r\nhost: {address}\r\n{}{}{content}\r\n{body}",
            self.method,
            self.path,
            token.unwrap_or_default(),
            key.unwrap_or_default(),
        );
        connection.write_all(request.as_bytes()).await.unwrap();
        // Not a wait for anything: each request is abandoned at another moment.
        sleep(after).await;
    }

    /// Sends the same request with a client that waits for the response.
    async fn send(&self, app: &TestApp) -> Reply {
        let mut client = app.client();
        if let Some(token) = self.token {
            client = client.bearer(token);
        }
        if let Some(key) = &self.key {
            client = client.with("idempotency-key", key);
        }
        let body = (self.method != Method::DELETE).then(|| self.body.to_string());
        client.send(self.method.clone(), &self.path, body).await
    }

    /// Abandons the request, repeats it, and returns the response of the repetition, which must have this status.
    async fn abandon_and_repeat(&self, app: &TestApp, after: Duration, status: u16) -> Reply {
        self.hang_up(&app.url(), after).await;
        self.send(app).await.expect(status)
    }
}

/// Returns what must be there exactly once.
async fn count(user: &User, path: &str) -> usize {
    let page = user.client().get(path).await.expect(200).json();
    page["items"].as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abandoned_write_is_done_once_or_not_at_all_and_can_be_repeated() {
    let app = TestApp::shared();
    for wait in WAITS_MS {
        let (after, key) = (Duration::from_millis(wait), |what: &str| Some(format!("{what}-{wait}")));
        let write = |method: Method, path: &str, body: Value| Write {
            method,
            path: path.to_owned(),
            body,
            token: None,
            key: None,
        };
        let email = new_email();
        let sign_up = Write {
            key: key("sign-up"),
            ..write(
                Method::POST,
                "/api/v1/auth/signup",
                json!({"email": email, "password": PASSWORD}),
            )
        };
        let session = sign_up.abandon_and_repeat(&app, after, 201).await;
        let seller = app
            .user()
            .await
            .with_token(&app.url(), &session.text_at("/accessToken"));
        let buyer = app.user().await;
        let of = |user: &'static str| if user == "seller" { &seller.token } else { &buyer.token };
        let write_of = |user: &'static str, method: Method, path: &str, body: Value| Write {
            token: Some(of(user)),
            ..write(method, path, body)
        };

        let list = Write {
            key: key("list"),
            ..write_of(
                "seller",
                Method::POST,
                "/api/v1/tickets",
                ticket_body(json!({"quantity": 9})),
            )
        };
        let ticket = list.abandon_and_repeat(&app, after, 201).await.text_at("/id");
        assert_eq!(count(&seller, "/api/v1/tickets?seller=me").await, 1, "{wait} ms");
        let path = format!("/api/v1/tickets/{ticket}");
        let edit = write_of("seller", Method::PUT, &path, ticket_body(json!({"quantity": 8})));
        let edited = edit.abandon_and_repeat(&app, after, 200).await.json();
        assert_eq!(edited["quantity"], 8);

        // The order service has the listing before its requests are abandoned.
        let cancelled = buyer.hold_tickets(&ticket, 1).await;
        let path = format!("/api/v1/orders/{cancelled}");
        let cancel = write_of("buyer", Method::DELETE, &path, json!({}));
        cancel.abandon_and_repeat(&app, after, 204).await;
        let place = Write {
            key: key("order"),
            ..write_of(
                "buyer",
                Method::POST,
                "/api/v1/orders",
                json!({"ticketId": ticket, "quantity": 2}),
            )
        };
        let order = place.abandon_and_repeat(&app, after, 201).await.text_at("/id");
        assert_eq!(count(&buyer, "/api/v1/orders").await, 2, "{wait} ms");

        // The payment service has the order before its requests are abandoned.
        let _ = buyer.pay(&order, "tok_chargeDeclined").await.expect(402);
        let pay = Write {
            key: key("pay"),
            ..write_of(
                "buyer",
                Method::POST,
                "/api/v1/payments",
                json!({"orderId": order, "token": "tok_visa"}),
            )
        };
        pay.hang_up(&app.url(), after).await;
        let paid = eventually("the payment is answered", || async {
            let reply = pay.send(&app).await;
            (reply.status == 201).then_some(reply)
        })
        .await;
        let _ = paid.text_at("/id");
        buyer.wait_for_status(&order, "complete").await;
        assert_eq!(
            amount_charged_once(app.stripe_simulator(), &order).await,
            3998,
            "{wait} ms"
        );

        let refunds = format!("/api/v1/orders/{order}/refunds");
        let request = Write {
            key: key("refund"),
            ..write_of("buyer", Method::POST, &refunds, json!({"quantity": 1}))
        };
        let refund = request.abandon_and_repeat(&app, after, 201).await.text_at("/id");
        assert_eq!(count(&buyer, &refunds).await, 1, "{wait} ms");
        let approve = write_of(
            "seller",
            Method::POST,
            &format!("{refunds}/{refund}/approve"),
            json!({}),
        );
        approve.abandon_and_repeat(&app, after, 200).await;
        buyer.wait_for_status(&order, "partially_refunded").await;

        let withdraw = write_of(
            "seller",
            Method::DELETE,
            &format!("/api/v1/tickets/{ticket}"),
            json!({}),
        );
        withdraw.abandon_and_repeat(&app, after, 204).await;
        buyer.wait_for_status(&order, "refunded").await;
        seller.wait_for_stock(&ticket, 0, 0).await;
    }
    // Databases and parked messages are checked when the stack is dropped.
}
