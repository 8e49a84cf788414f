//! The actions of users and banks on the orders of one script.

use std::{sync::Arc, time::Duration};

use drill::{
    Operation,
    recording::{RecordLine, RecordedResponse, recorded_fields},
};
use serde_json::{Value, json};
use testkit::Method;
use tokio::{
    sync::Mutex,
    time::{Instant, interval},
};
use values::UserId;

use crate::{
    environment::{Environment, PUBLISHABLE_KEY},
    script::{LISTINGS, ORDERS, Service, Step},
};

/// A request without a response, or with 404 or 503, is repeated for so long.
const RETRY_TIMEOUT: Duration = Duration::from_secs(4);

/// The timeout of an order that is about to be complete.
const COMPLETION_TIMEOUT: Duration = Duration::from_secs(2);

pub(crate) const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The listings and the orders of one script.
pub(crate) struct Actions {
    env: Arc<Environment>,
    listings: Vec<String>,
    /// The ids of the orders that have been placed.
    orders: [Mutex<Option<String>>; ORDERS],
    /// The client secrets of the payments that have been started.
    client_secrets: [Mutex<Option<String>>; ORDERS],
}

/// The response to a request of a user.
struct Response {
    /// `None` if there was no response.
    status: Option<u16>,
    body: Value,
}

impl Environment {
    /// Sends a request of a user to a service, and repeats it with the same idempotency key until there is a response.
    /// With `operation`, the response is recorded.
    async fn request(
        &self,
        user: UserId,
        operation: Option<Operation>,
        (method, service, path): (Method, Service, &str),
        body: Value,
    ) -> Response {
        let (key, url) = (self.new_key(), format!("{}{path}", self.url(service)));
        let (start, mut ticks) = (Instant::now(), interval(POLL_INTERVAL));
        let mut attempts = 0;
        let response = loop {
            ticks.tick().await;
            attempts += 1;
            let request = self.http.request(method.clone(), &url);
            let request = request
                .bearer_auth(self.test_env.token(user))
                .header("idempotency-key", &key);
            let request = if method == Method::POST {
                request.json(&body)
            } else {
                request
            };
            let response = match request.send().await {
                Ok(reply) => Response {
                    status: Some(reply.status().as_u16()),
                    body: reply.json().await.unwrap_or_default(),
                },
                Err(_) => Response {
                    status: None,
                    body: Value::Null,
                },
            };
            // 404: the service may not have a replica of a new resource yet.
            if !matches!(response.status, None | Some(404 | 503)) || start.elapsed() > RETRY_TIMEOUT {
                break response;
            }
        };
        if response.status.is_some_and(|status| status >= 500 && status != 503) {
            let error = format!("{method} {path}: {:?} {}", response.status, response.body);
            self.server_errors.lock().unwrap().push(error);
        }
        if let Some(operation) = operation {
            let recorded = RecordedResponse {
                at: self.test_env.now().millis(),
                account: user.to_string(),
                user_id: Some(user.to_string()),
                operation,
                request: body,
                key: Some(key),
                status: response.status,
                response: recorded_fields(&response.body),
                duration_ms: 0,
                attempts,
                fault: None,
            };
            self.record.lock().unwrap().push(RecordLine::Response(recorded.into()));
        }
        response
    }
}

impl Actions {
    /// Lists the tickets. The first listing resells refunded tickets, and the seller decides its refunds. The second
    /// does not resell, and its refunds are approved automatically.
    pub(crate) async fn new(env: &Arc<Environment>) -> Self {
        let mut listings = Vec::new();
        for number in 0..LISTINGS {
            let refundable_until = env.test_env.now() + Duration::from_hours(24 * 365);
            let offer = json!({
                "title": format!("The Lighthouse Keepers, live ({number})"),
                "price": {"amount": 1999, "currency": "usd"},
                "quantity": 20,
                "refundableUntil": (number == 1).then_some(refundable_until),
                "resellRefunded": number == 0,
            });
            let endpoint = (Method::POST, Service::Tickets, "/api/v1/tickets");
            let listed = env.request(env.seller, None, endpoint, offer).await;
            assert_eq!(listed.status, Some(201), "{}", listed.body);
            listings.push(listed.body["id"].as_str().unwrap().to_owned());
        }
        Self {
            env: env.clone(),
            listings,
            orders: Default::default(),
            client_secrets: Default::default(),
        }
    }

    /// Runs a step that is an action of a user or a bank.
    pub(crate) async fn run(&self, step: &Step) {
        match *step {
            Step::Pay(order, card) => self.pay(order, Some(card)).await,
            Step::StartBrowserPayment(order) => self.pay(order, None).await,
            Step::ConfirmInBrowser(order, card) => self.confirm_in_browser(order, card).await,
            Step::Authenticate(order, succeeds) => self.authenticate(order, succeeds).await,
            Step::CancelOrder(order) => self.cancel_order(order).await,
            Step::RequestRefund(order, quantity) => {
                self.request_refund(self.env.buyers[order], order, quantity).await;
            }
            Step::RefundAsSeller(order, quantity) => self.request_refund(self.env.seller, order, quantity).await,
            Step::DecideRefunds(order, approve) => self.decide_refunds(order, approve).await,
            Step::RefundAtStripe(order, amount) => self.refund_at_stripe(order, amount).await,
            Step::EndRefund(order, succeeds) => self.end_refund(order, succeeds).await,
            Step::OpenDispute(order, inquiry) => self.open_dispute(order, inquiry).await,
            Step::DecideDispute(order, won) => self.decide_dispute(order, won).await,
            Step::WithdrawListing(listing) => self.withdraw_listing(listing).await,
            Step::RunScheduledEvents => drop(self.env.stripe.run_scheduled().await),
            Step::DoNotWait
            | Step::FailCalls(..)
            | Step::FailDeliveries(..)
            | Step::DeliverHeldEvents(_)
            | Step::PassOrderWindow
            | Step::ExpireIdempotencyKeys
            | Step::CrashService(_)
            | Step::CrashServiceDuringCall(..)
            | Step::DisconnectBroker(_) => unreachable!(),
        }
    }

    /// Reads every order as its buyer, so that the responses are recorded.
    pub(crate) async fn get_every_order(&self) {
        for order in 0..ORDERS {
            self.get_order(order).await;
        }
    }

    /// Returns the id of an order, if it has been placed.
    async fn placed_order(&self, order: usize) -> Option<String> {
        self.orders[order].lock().await.clone()
    }

    /// Returns the id of an order. Places it first if needed; `None` if it is refused.
    async fn place_order(&self, order: usize) -> Option<String> {
        let mut placed = self.orders[order].lock().await;
        if placed.is_none() {
            let body = json!({"ticketId": self.listings[order % LISTINGS], "quantity": 1 + order % 3});
            let endpoint = (Method::POST, Service::Orders, "/api/v1/orders");
            let buyer = self.env.buyers[order];
            let response = self
                .env
                .request(buyer, Some(Operation::PlaceOrder), endpoint, body)
                .await;
            *placed = response.body["expiresAt"]
                .is_string()
                .then(|| response.body["id"].as_str().unwrap().to_owned());
        }
        placed.clone()
    }

    /// Returns an order as its buyer reads it, if it has been placed.
    async fn get_order(&self, order: usize) -> Option<Value> {
        let id = self.placed_order(order).await?;
        let path = format!("/api/v1/orders/{id}");
        let endpoint = (Method::GET, Service::Orders, path.as_str());
        let buyer = self.env.buyers[order];
        let response = self
            .env
            .request(buyer, Some(Operation::GetOrder), endpoint, json!({"id": id}))
            .await;
        Some(response.body)
    }

    /// Returns the id of an order that is paid, or soon will be. Orders and pays first if needed.
    async fn bought_order(&self, order: usize) -> Option<String> {
        if self.placed_order(order).await.is_none() {
            self.pay(order, Some("tok_visa")).await;
        }
        let (start, mut ticks) = (Instant::now(), interval(POLL_INTERVAL));
        loop {
            ticks.tick().await;
            let body = self.get_order(order).await?;
            match body["status"].as_str() {
                Some("created" | "awaiting:payment") | None if start.elapsed() < COMPLETION_TIMEOUT => {}
                Some("created" | "awaiting:payment" | "cancelled") | None => return None,
                Some(_) => return self.placed_order(order).await,
            }
        }
    }

    /// Returns the captured payment intent of an order at Stripe.
    async fn captured_intent(&self, order: usize) -> Option<Value> {
        let id = self.bought_order(order).await?;
        let intents = self.env.payment_intents(&id).await;
        intents.into_iter().find(|intent| intent["status"] == "succeeded")
    }

    async fn pay(&self, order: usize, card: Option<&str>) {
        let Some(id) = self.place_order(order).await else {
            return;
        };
        let endpoint = (Method::POST, Service::Payments, "/api/v1/payments");
        let mut body = json!({"orderId": id});
        if let Some(card) = card {
            body["token"] = json!(card);
        }
        let buyer = self.env.buyers[order];
        let response = self.env.request(buyer, Some(Operation::PayOrder), endpoint, body).await;
        if let Some(secret) = response.body["clientSecret"].as_str() {
            *self.client_secrets[order].lock().await = Some(secret.to_owned());
        }
    }

    /// Sends the request of Stripe.js in the buyer's browser.
    async fn confirm_in_browser(&self, order: usize, card: &str) {
        if self.client_secrets[order].lock().await.is_none() {
            self.pay(order, None).await;
        }
        let Some(secret) = self.client_secrets[order].lock().await.clone() else {
            return;
        };
        let (intent, method) = (
            secret.split("_secret_").next().unwrap(),
            card.replacen("tok_", "pm_card_", 1),
        );
        let form = format!(
            "key={PUBLISHABLE_KEY}&client_secret={secret}&payment_method={method}&return_url=https://shop.example/paid"
        );
        let url = format!("{}/v1/payment_intents/{intent}/confirm", self.env.stripe_url);
        let request = self.env.http.post(url).body(form);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let _any_response = request.send().await;
    }

    async fn authenticate(&self, order: usize, succeeds: bool) {
        let Some(id) = self.placed_order(order).await else {
            return;
        };
        for intent in self.env.payment_intents(&id).await {
            if intent["status"] == "requires_action" {
                let intent = intent["id"].as_str().unwrap();
                // Fails if the intent has been cancelled meanwhile.
                let _authenticated = self.env.stripe.authenticate(intent, succeeds).await;
            }
        }
    }

    async fn cancel_order(&self, order: usize) {
        let Some(id) = self.place_order(order).await else {
            return;
        };
        let path = format!("/api/v1/orders/{id}");
        let endpoint = (Method::DELETE, Service::Orders, path.as_str());
        let buyer = self.env.buyers[order];
        self.env
            .request(buyer, Some(Operation::CancelOrder), endpoint, json!({"id": id}))
            .await;
    }

    async fn withdraw_listing(&self, listing: usize) {
        let id = &self.listings[listing];
        let path = format!("/api/v1/tickets/{id}");
        let endpoint = (Method::DELETE, Service::Tickets, path.as_str());
        let seller = self.env.seller;
        self.env
            .request(seller, Some(Operation::WithdrawTicket), endpoint, json!({"id": id}))
            .await;
    }

    async fn request_refund(&self, user: UserId, order: usize, quantity: Option<u32>) {
        let Some(id) = self.bought_order(order).await else {
            return;
        };
        let path = format!("/api/v1/orders/{id}/refunds");
        let endpoint = (Method::POST, Service::Orders, path.as_str());
        self.env
            .request(user, None, endpoint, json!({"quantity": quantity}))
            .await;
    }

    /// Approves or declines all requested refunds of an order.
    async fn decide_refunds(&self, order: usize, approve: bool) {
        let Some(id) = self.bought_order(order).await else {
            return;
        };
        let (seller, path) = (self.env.seller, format!("/api/v1/orders/{id}/refunds"));
        let endpoint = (Method::GET, Service::Orders, path.as_str());
        let refunds = self.env.request(seller, None, endpoint, Value::Null).await.body;
        let refunds = refunds["items"].as_array().cloned().unwrap_or_default();
        for refund in refunds.iter().filter(|refund| refund["status"] == "requested") {
            let verb = if approve { "approve" } else { "decline" };
            let path = format!("{path}/{}/{verb}", refund["id"].as_str().unwrap());
            let endpoint = (Method::POST, Service::Orders, path.as_str());
            self.env.request(seller, None, endpoint, json!({})).await;
        }
    }

    async fn refund_at_stripe(&self, order: usize, amount: i64) {
        let Some(intent) = self.captured_intent(order).await else {
            return;
        };
        let form = format!("payment_intent={}&amount={amount}", intent["id"].as_str().unwrap());
        self.env.request_stripe(Method::POST, "/v1/refunds", form).await;
    }

    async fn end_refund(&self, order: usize, succeeds: bool) {
        let Some(intent) = self.captured_intent(order).await else {
            return;
        };
        if let Some(refund) = self.newest_of_intent("refunds", &intent).await {
            // Fails if the refund has ended already.
            let _ended = self.env.stripe.end_refund(&refund, succeeds).await;
        }
    }

    async fn open_dispute(&self, order: usize, inquiry: bool) {
        if let Some(intent) = self.captured_intent(order).await {
            self.dispute_charge(&intent, inquiry).await;
        }
    }

    async fn dispute_charge(&self, intent: &Value, inquiry: bool) {
        let charge = intent["latest_charge"].as_str().unwrap();
        // Fails if the charge has been refunded completely, or is disputed already.
        let _opened = self.env.stripe.open_dispute(charge, "fraudulent", inquiry).await;
    }

    /// Decides the dispute of an order, which is opened first if needed.
    async fn decide_dispute(&self, order: usize, won: bool) {
        let Some(intent) = self.captured_intent(order).await else {
            return;
        };
        self.dispute_charge(&intent, false).await;
        if let Some(dispute) = self.newest_of_intent("disputes", &intent).await {
            // Fails if the dispute has been decided already.
            let _decided = self.env.stripe.decide_dispute(&dispute, won).await;
        }
    }

    /// Returns the id of the newest object of a kind that belongs to a payment intent.
    async fn newest_of_intent(&self, kind: &str, intent: &Value) -> Option<String> {
        let path = format!("/v1/{kind}?payment_intent={}", intent["id"].as_str().unwrap());
        let page = self.env.request_stripe(Method::GET, &path, String::new()).await?;
        page["data"][0]["id"].as_str().map(ToOwned::to_owned)
    }
}
