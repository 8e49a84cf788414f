use std::time::{Duration, Instant};

use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

use crate::{Outcome, Tally};

/// How long something may take that was made elsewhere a moment ago.
const PATIENCE: Duration = Duration::from_mins(1);

/// How often it is looked for.
const LOOK: Duration = Duration::from_millis(20);

/// Somebody who is signed in, with a connection of their own.
pub(crate) struct Person {
    http: Client,
    url: String,
    token: String,
}

/// So many tickets at 19.99.
pub(crate) fn offer(title: &str, quantity: u32) -> Value {
    json!({"title": title, "price": {"amount": 1999, "currency": "usd"}, "quantity": quantity})
}

impl Person {
    pub(crate) async fn sign_up(url: &str, number: usize, tally: &Tally) -> Outcome<Self> {
        let http = Client::builder().timeout(PATIENCE).no_proxy().build()?;
        let mut person = Self {
            http,
            url: url.to_owned(),
            token: String::new(),
        };
        let credentials =
            json!({"email": format!("somebody-{number}@example.com"), "password": "correct horse battery"});
        let (path, body) = ("/api/v1/auth/signup", Some(&credentials));
        let granted = person.asks(Method::POST, path, body, tally).await?;
        person.token = text(&expect(granted, 201).await?, "accessToken")?;
        Ok(person)
    }

    /// Lists tickets: the listing's id.
    pub(crate) async fn lists(&self, offer: &Value, tally: &Tally) -> Outcome<String> {
        let listed = self.asks(Method::POST, "/api/v1/tickets", Some(offer), tally).await?;
        text(&expect(listed, 201).await?, "id")
    }

    /// Waits until the order service has heard of a listing, which takes as long as the broker does: an order is placed, and
    /// cancelled.
    pub(crate) async fn knows(&self, ticket: &str) -> Outcome<()> {
        let (deadline, unseen) = (Instant::now() + PATIENCE, Tally::begin());
        let wish = json!({"ticketId": ticket, "quantity": 1});
        loop {
            let asked = self.asks(Method::POST, "/api/v1/orders", Some(&wish), &unseen).await?;
            if asked.status() != 404 {
                let order = text(&expect(asked, 201).await?, "id")?;
                let path = format!("/api/v1/orders/{order}");
                let cancelled = self.asks(Method::DELETE, &path, None, &unseen).await?;
                return Ok(cancelled.error_for_status().map(|_| ())?);
            }
            wait(deadline, "a listing does not arrive").await?;
        }
    }

    pub(crate) async fn looks(&self, path: &str, tally: &Tally) -> Outcome<()> {
        let shown = self.asks(Method::GET, path, None, tally).await?;
        expect(shown, 200).await.map(|_| ())
    }

    /// Orders one ticket: the order's id, or nothing if there is none left.
    pub(crate) async fn orders(&self, ticket: &str, tally: &Tally) -> Outcome<Option<String>> {
        let wish = json!({"ticketId": ticket, "quantity": 1});
        let placed = self.asks(Method::POST, "/api/v1/orders", Some(&wish), tally).await?;
        if placed.status() == 409 {
            return Ok(None);
        }
        text(&expect(placed, 201).await?, "id").map(Some)
    }

    pub(crate) async fn pays(&self, payment: &Value) -> Outcome<()> {
        let unseen = Tally::begin();
        let paid = self
            .asks(Method::POST, "/api/v1/payments", Some(payment), &unseen)
            .await?;
        expect(paid, 201).await.map(|_| ())
    }

    pub(crate) async fn sees_complete(&self, order: &str) -> Outcome<()> {
        let (deadline, unseen) = (Instant::now() + PATIENCE, Tally::begin());
        loop {
            let path = format!("/api/v1/orders/{order}");
            let shown = expect(self.asks(Method::GET, &path, None, &unseen).await?, 200).await?;
            if shown["status"] == "complete" {
                return Ok(());
            }
            wait(deadline, "an order does not become complete").await?;
        }
    }

    /// Asks, and notes how long the answer took.
    async fn asks(&self, method: Method, path: &str, body: Option<&Value>, tally: &Tally) -> Outcome<Response> {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let begun = Instant::now();
        let response = request.send().await?;
        tally.add(begun);
        Ok(response)
    }
}

async fn wait(deadline: Instant, what: &str) -> Outcome<()> {
    if Instant::now() > deadline {
        return Err(what.into());
    }
    tokio::time::sleep(LOOK).await;
    Ok(())
}

async fn expect(response: Response, status: u16) -> Outcome<Value> {
    let (came, path) = (response.status(), response.url().path().to_owned());
    let body = response.text().await?;
    if came != status {
        return Err(format!("{path} answered {came}: {body}").into());
    }
    Ok(serde_json::from_str(&body)?)
}

fn text(body: &Value, field: &str) -> Outcome<String> {
    let text = body[field].as_str().ok_or_else(|| format!("no {field} in {body}"))?;
    Ok(text.to_owned())
}
