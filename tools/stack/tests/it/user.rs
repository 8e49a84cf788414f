use std::{
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use serde_json::{Value, json};

use crate::{Client, Reply, eventually};

/// A user who is signed in.
#[derive(Clone)]
pub(crate) struct User {
    pub(crate) email: String,
    pub(crate) token: String,
    client: Client,
}

pub(crate) const PASSWORD: &str = "correct horse battery staple";

impl User {
    pub(crate) async fn sign_up(client: &Client) -> Self {
        let email = new_email();
        let credentials = json!({"email": email, "password": PASSWORD});
        let session = client.post("/api/v1/auth/signup", credentials).await.expect(201);
        let token = session.text_at("/accessToken");
        Self {
            email,
            client: client.clone().bearer(&token),
            token,
        }
    }

    /// Returns the same user with the same token at another front door.
    pub(crate) fn with_url(&self, url: &str) -> Self {
        Self {
            client: Client::new(url).bearer(&self.token),
            ..self.clone()
        }
    }

    /// Returns the same user with another token, at this front door.
    pub(crate) fn with_token(&self, url: &str, token: &str) -> Self {
        Self {
            client: Client::new(url).bearer(token),
            token: token.to_owned(),
            ..self.clone()
        }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Lists [`ticket_body`] with these fields, and returns the id of the listing.
    pub(crate) async fn list_ticket(&self, fields: Value) -> String {
        self.client
            .post("/api/v1/tickets", ticket_body(fields))
            .await
            .expect(201)
            .text_at("/id")
    }

    pub(crate) async fn update_ticket(&self, ticket: &str, fields: Value) -> Reply {
        self.client
            .put(&format!("/api/v1/tickets/{ticket}"), ticket_body(fields))
            .await
    }

    pub(crate) async fn withdraw_ticket(&self, ticket: &str) -> Reply {
        self.client.delete(&format!("/api/v1/tickets/{ticket}")).await
    }

    /// Places an order as soon as the order service has a replica of the listing.
    pub(crate) async fn place_order(&self, ticket: &str, quantity: u32) -> Reply {
        let body = json!({"ticketId": ticket, "quantity": quantity});
        self.client.post_when_replicated("/api/v1/orders", body).await
    }

    /// Places an order that must be accepted, and returns its id.
    pub(crate) async fn hold_tickets(&self, ticket: &str, quantity: u32) -> String {
        self.place_order(ticket, quantity).await.expect(201).text_at("/id")
    }

    pub(crate) async fn pay(&self, order: &str, card: &str) -> Reply {
        self.pay_with(json!({"orderId": order, "token": card})).await
    }

    /// Creates a payment as soon as the payment service has a replica of the order.
    pub(crate) async fn pay_with(&self, body: Value) -> Reply {
        self.client.post_when_replicated("/api/v1/payments", body).await
    }

    pub(crate) async fn cancel_order(&self, order: &str) -> Reply {
        self.client.delete(&format!("/api/v1/orders/{order}")).await
    }

    /// Pays an order with a valid card, waits until it is complete, and returns the id of the payment.
    pub(crate) async fn buy(&self, order: &str) -> String {
        let payment = self.pay(order, "tok_visa").await.expect(201).text_at("/id");
        self.wait_for_status(order, "complete").await;
        payment
    }

    /// Waits until an order has a status, and returns the order.
    pub(crate) async fn wait_for_status(&self, order: &str, status: &str) -> Value {
        let path = format!("/api/v1/orders/{order}");
        self.wait_for(&path, &[("/status", json!(status))]).await
    }

    /// Waits until a listing has these numbers of held and sold tickets, and returns the listing.
    pub(crate) async fn wait_for_stock(&self, ticket: &str, held: u32, sold: u32) -> Value {
        let path = format!("/api/v1/tickets/{ticket}");
        self.wait_for(&path, &[("/held", json!(held)), ("/sold", json!(sold))])
            .await
    }

    /// Waits until a resource exists and has these values at these JSON pointers, and returns it.
    pub(crate) async fn wait_for(&self, path: &str, expected: &[(&str, Value)]) -> Value {
        eventually(&format!("{path} is {expected:?}"), || async {
            let reply = self.client.get(path).await;
            let body = (reply.status == 200).then(|| reply.json())?;
            expected
                .iter()
                .all(|(pointer, value)| body.pointer(pointer) == Some(value))
                .then_some(body)
        })
        .await
    }
}

/// Returns the body of a new listing: one ticket at 19.99 USD, with `fields` added or replaced.
pub(crate) fn ticket_body(fields: Value) -> Value {
    let mut body = json!({"title": "The Lighthouse Keepers, live", "price": {"amount": 1999, "currency": "usd"}});
    let (Value::Object(all), Value::Object(fields)) = (&mut body, fields) else {
        panic!("the fields are not an object")
    };
    all.extend(fields);
    body
}

/// Returns an email address that no other test uses.
pub(crate) fn new_email() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!(
        "user-{}-{}@example.com",
        process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}
