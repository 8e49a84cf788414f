use std::{
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use serde_json::{Value, json};

use crate::{Client, Reply, eventually};

/// Somebody who is signed in.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) email: String,
    pub(crate) token: String,
    client: Client,
}

pub(crate) const PASSWORD: &str = "correct horse battery staple";

impl Person {
    pub(crate) async fn sign_up(at: &Client) -> Self {
        let email = new_email();
        let credentials = json!({"email": email, "password": PASSWORD});
        let granted = at.post("/api/v1/auth/signup", credentials).await.expect(201);
        let token = granted.text_at("/accessToken");
        Self {
            email,
            client: at.clone().bearer(&token),
            token,
        }
    }

    /// The same person, who speaks to another address, or after a restart.
    pub(crate) fn at(&self, url: &str) -> Self {
        Self {
            client: Client::new(url).bearer(&self.token),
            ..self.clone()
        }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Lists tickets at 19.99; `terms` say what is different from one ticket within the usual window.
    pub(crate) async fn lists(&self, terms: Value) -> String {
        self.client
            .post("/api/v1/tickets", offer(terms))
            .await
            .expect(201)
            .text_at("/id")
    }

    pub(crate) async fn changes(&self, ticket: &str, terms: Value) -> Reply {
        self.client
            .put(&format!("/api/v1/tickets/{ticket}"), offer(terms))
            .await
    }

    pub(crate) async fn withdraws(&self, ticket: &str) -> Reply {
        self.client.delete(&format!("/api/v1/tickets/{ticket}")).await
    }

    /// Asks for tickets, as soon as the order service knows the listing.
    pub(crate) async fn orders(&self, ticket: &str, quantity: u32) -> Reply {
        let body = json!({"ticketId": ticket, "quantity": quantity});
        self.as_soon_as_known("/api/v1/orders", body).await
    }

    /// Gets tickets: the id of the order.
    pub(crate) async fn holds(&self, ticket: &str, quantity: u32) -> String {
        self.orders(ticket, quantity).await.expect(201).text_at("/id")
    }

    pub(crate) async fn pays(&self, order: &str, card: &str) -> Reply {
        self.pays_with(json!({"orderId": order, "token": card})).await
    }

    /// Pays, as soon as the payment service knows the order.
    pub(crate) async fn pays_with(&self, body: Value) -> Reply {
        self.as_soon_as_known("/api/v1/payments", body).await
    }

    pub(crate) async fn cancels(&self, order: &str) -> Reply {
        self.client.delete(&format!("/api/v1/orders/{order}")).await
    }

    /// Pays with a good card, and waits for the order to be complete: the id of the payment.
    pub(crate) async fn buys(&self, order: &str) -> String {
        let payment = self.pays(order, "tok_visa").await.expect(201).text_at("/id");
        self.sees(order, "complete").await;
        payment
    }

    /// Waits for an order to stand so.
    pub(crate) async fn sees(&self, order: &str, status: &str) -> Value {
        let path = format!("/api/v1/orders/{order}");
        self.waits_for(&path, &[("/status", json!(status))]).await
    }

    /// Waits for a ticket to have so many held and sold.
    pub(crate) async fn counts(&self, ticket: &str, held: u32, sold: u32) -> Value {
        let path = format!("/api/v1/tickets/{ticket}");
        self.waits_for(&path, &[("/held", json!(held)), ("/sold", json!(sold))])
            .await
    }

    /// Waits for what is at a path to be so.
    pub(crate) async fn waits_for(&self, path: &str, so: &[(&str, Value)]) -> Value {
        eventually(&format!("{path} is {so:?}"), || async {
            let reply = self.client.get(path).await;
            let body = (reply.status == 200).then(|| reply.json())?;
            so.iter()
                .all(|(pointer, value)| body.pointer(pointer) == Some(value))
                .then_some(body)
        })
        .await
    }

    /// What was made a moment ago may be on its way to the service that is asked.
    async fn as_soon_as_known(&self, path: &str, body: Value) -> Reply {
        eventually(&format!("what is asked of {path} is known there"), || async {
            let reply = self.client.post(path, body.clone()).await;
            (reply.status != 404).then_some(reply)
        })
        .await
    }
}

/// One ticket at 19.99, but for what `terms` say.
pub(crate) fn offer(terms: Value) -> Value {
    let mut offer = json!({"title": "The Lighthouse Keepers, live", "price": {"amount": 1999, "currency": "usd"}});
    let (Value::Object(whole), Value::Object(terms)) = (&mut offer, terms) else {
        panic!("terms are an object")
    };
    whole.extend(terms);
    offer
}

pub(crate) fn new_email() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!(
        "somebody-{}-{}@example.com",
        process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}
