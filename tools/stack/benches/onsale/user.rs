use std::time::{Duration, Instant};

use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

use crate::{BenchResult, Measurement};

/// The timeout of a request.
const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);

/// The timeout of a replica of a listing, and of the completion of an order.
const WAIT_TIMEOUT: Duration = Duration::from_mins(1);

const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// A user who is signed in, with a connection of their own.
pub(crate) struct User {
    http: Client,
    url: String,
    token: String,
}

/// Returns the body of a new listing at 19.99 USD.
pub(crate) fn ticket_body(title: &str, quantity: u32) -> Value {
    json!({"title": title, "price": {"amount": 1999, "currency": "usd"}, "quantity": quantity})
}

impl User {
    pub(crate) async fn sign_up(url: &str, number: usize, measurement: &Measurement) -> BenchResult<Self> {
        let http = Client::builder().timeout(REQUEST_TIMEOUT).no_proxy().build()?;
        let mut user = Self {
            http,
            url: url.to_owned(),
            token: String::new(),
        };
        let credentials = json!({"email": format!("user-{number}@example.com"), "password": "correct horse battery"});
        let (path, body) = ("/api/v1/auth/signup", Some(&credentials));
        let session = user.request(Method::POST, path, body, measurement).await?;
        user.token = text(&expect(session, 201).await?, "accessToken")?;
        Ok(user)
    }

    /// Lists tickets, and returns the id of the listing.
    pub(crate) async fn list_tickets(&self, body: &Value, measurement: &Measurement) -> BenchResult<String> {
        let listing = self
            .request(Method::POST, "/api/v1/tickets", Some(body), measurement)
            .await?;
        text(&expect(listing, 201).await?, "id")
    }

    /// Waits until the order service has a replica of a listing: an order is placed, and cancelled.
    pub(crate) async fn wait_for_replica(&self, ticket: &str) -> BenchResult<()> {
        let (deadline, unreported) = (Instant::now() + WAIT_TIMEOUT, Measurement::start_now());
        let body = json!({"ticketId": ticket, "quantity": 1});
        loop {
            let placed = self
                .request(Method::POST, "/api/v1/orders", Some(&body), &unreported)
                .await?;
            if placed.status() != 404 {
                let order = text(&expect(placed, 201).await?, "id")?;
                let path = format!("/api/v1/orders/{order}");
                let cancelled = self.request(Method::DELETE, &path, None, &unreported).await?;
                return Ok(cancelled.error_for_status().map(|_| ())?);
            }
            poll_again(deadline, "the order service has no replica of the listing").await?;
        }
    }

    pub(crate) async fn get(&self, path: &str, measurement: &Measurement) -> BenchResult<()> {
        let response = self.request(Method::GET, path, None, measurement).await?;
        expect(response, 200).await.map(|_| ())
    }

    /// Orders one ticket, and returns the id of the order. Returns `None` if the listing is sold out.
    pub(crate) async fn place_order(&self, ticket: &str, measurement: &Measurement) -> BenchResult<Option<String>> {
        let body = json!({"ticketId": ticket, "quantity": 1});
        let placed = self
            .request(Method::POST, "/api/v1/orders", Some(&body), measurement)
            .await?;
        if placed.status() == 409 {
            return Ok(None);
        }
        text(&expect(placed, 201).await?, "id").map(Some)
    }

    pub(crate) async fn pay(&self, payment: &Value) -> BenchResult<()> {
        let unreported = Measurement::start_now();
        let response = self
            .request(Method::POST, "/api/v1/payments", Some(payment), &unreported)
            .await?;
        expect(response, 201).await.map(|_| ())
    }

    pub(crate) async fn wait_until_complete(&self, order: &str) -> BenchResult<()> {
        let (deadline, unreported) = (Instant::now() + WAIT_TIMEOUT, Measurement::start_now());
        let path = format!("/api/v1/orders/{order}");
        loop {
            let response = self.request(Method::GET, &path, None, &unreported).await?;
            if expect(response, 200).await?["status"] == "complete" {
                return Ok(());
            }
            poll_again(deadline, "the order is not complete").await?;
        }
    }

    /// Sends a request, and adds the time until the response to a measurement.
    async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        measurement: &Measurement,
    ) -> BenchResult<Response> {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let start = Instant::now();
        let response = request.send().await?;
        measurement.add(start);
        Ok(response)
    }
}

/// Waits for the next poll. Fails with `reason` after the deadline.
async fn poll_again(deadline: Instant, reason: &str) -> BenchResult<()> {
    if Instant::now() > deadline {
        return Err(reason.into());
    }
    tokio::time::sleep(POLL_INTERVAL).await;
    Ok(())
}

/// Returns the body of a response that has this status.
async fn expect(response: Response, expected: u16) -> BenchResult<Value> {
    let (status, path) = (response.status(), response.url().path().to_owned());
    let body = response.text().await?;
    if status != expected {
        return Err(format!("{path}: status {status}: {body}").into());
    }
    Ok(serde_json::from_str(&body)?)
}

fn text(body: &Value, field: &str) -> BenchResult<String> {
    let text = body[field].as_str().ok_or_else(|| format!("no {field} in {body}"))?;
    Ok(text.to_owned())
}
