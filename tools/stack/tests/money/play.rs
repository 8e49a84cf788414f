//! Plays a script. Whoever acts waits for the answer a moment, and no longer: what takes its time goes on beside the rest.

use std::{sync::Arc, time::Duration};

use drill::{
    Operation,
    recording::{RecordLine, RecordedResponse, recorded_fields},
};
use serde_json::{Value, json};
use stripe_sim::Hold;
use testkit::Method;
use tokio::{
    sync::Mutex,
    task::JoinSet,
    time::{Instant, interval, timeout},
};
use values::UserId;

use crate::{
    market::{A_DAY, Market, PUBLISHABLE_KEY, World},
    script::{LISTINGS, ORDERS, Service, Step},
};

/// How long anybody waits before something else happens.
const A_MOMENT: Duration = Duration::from_millis(400);

/// How long somebody tries who gets no answer.
const PATIENCE: Duration = Duration::from_secs(4);

/// How long an order is looked at that is about to be paid.
const EXPECTANT: Duration = Duration::from_secs(2);

const LOOK: Duration = Duration::from_millis(50);

/// The orders of one script, and their listings.
pub(crate) struct Scene {
    world: Arc<World>,
    listings: Vec<String>,
    /// Once they are placed.
    orders: [Mutex<Option<String>>; ORDERS],
    /// What a browser goes on with.
    secrets: [Mutex<Option<String>>; ORDERS],
}

/// What is answered: no status, if nothing is.
struct Said(Option<u16>, Value);

/// Plays a script to its end. Faults that have not struck by then are still waiting.
pub(crate) async fn play(market: &mut Market, script: &[Step]) {
    let scene = Arc::new(Scene::set(&market.world).await);
    let (mut under_way, mut deaths) = (JoinSet::new(), Vec::<(Service, Hold)>::new());
    let (mut hurry, mut gone) = (false, 0);
    for step in script {
        match step {
            Step::Hurry => {
                hurry = true;
                continue;
            }
            Step::BrokerGoes(steps) => {
                market.world.broker.disconnect();
                gone = *steps + 1;
            }
            Step::Dies(service) => market.dies(*service).await,
            Step::DiesAt(service, call, when) => deaths.push((*service, market.world.sim.hold(call.on(), *when))),
            _ if market.world.goes_wrong(step) => {}
            _ => {
                let (scene, step) = (scene.clone(), step.clone());
                let act = under_way.spawn(async move { scene.act(&step).await });
                let ended = async {
                    let mut looks = interval(LOOK / 5);
                    while !act.is_finished() {
                        looks.tick().await;
                    }
                };
                if !hurry {
                    let _still_under_way = timeout(A_MOMENT, ended).await;
                }
            }
        }
        hurry = false;
        gone -= gone.min(1);
        if gone == 0 {
            market.world.broker.forward_to_broker();
        }
        let mut waiting = Vec::new();
        for (service, hold) in std::mem::take(&mut deaths) {
            if timeout(Duration::ZERO, hold.wait_for_request()).await.is_ok() {
                market.dies(service).await;
                hold.cut();
            } else {
                waiting.push((service, hold));
            }
        }
        deaths = waiting;
    }
    drop(deaths);
    while let Some(ended) = under_way.join_next().await {
        ended.unwrap();
    }
    // Nothing is wrong any more.
    market.world.mended().await;
    scene.everybody_looks().await;
}

impl World {
    /// Lets something go wrong, or be well again, that is no process; says whether it is such a thing.
    fn goes_wrong(&self, step: &Step) -> bool {
        match step {
            Step::Breaks(call, when, fault, times) => {
                self.sim.inject(call.on().times(*times), *when, fault.of_the_double());
            }
            Step::Post(letters, times) => self.sim.inject_webhook_fault("*", *times, letters.of_the_double()),
            Step::PostComes(last_first) => self.sim.release_events(*last_first),
            Step::WindowPasses => self.kit.clock.advance(order::Settings::default().order_window),
            Step::DayPasses => self.kit.clock.advance(A_DAY),
            _ => return false,
        }
        true
    }

    /// Nothing goes wrong from now on. What Stripe could not tell of money that was taken, it tells again, as it does for
    /// three days; how a payment came to be, it need not tell twice.
    pub(crate) async fn mended(&self) {
        self.sim.clear_faults();
        self.sim.clear_webhook_faults();
        self.broker.forward_to_broker();
        for event in self.all_at_stripe("events").await {
            let kind = event["type"].as_str().unwrap();
            if kind.starts_with("charge.dispute") || kind.starts_with("refund") {
                self.sim.resend_event(event["id"].as_str().unwrap()).await.unwrap();
            }
        }
    }

    /// Asks as somebody, with one key, until there is an answer.
    async fn ask(
        &self,
        who: UserId,
        op: Option<Operation>,
        (method, service, path): (Method, Service, &str),
        body: Value,
    ) -> Said {
        let (key, url) = (self.key(), format!("{}{path}", self.url(service)));
        let (began, mut looks) = (Instant::now(), interval(LOOK));
        let mut attempts = 0;
        let said = loop {
            looks.tick().await;
            attempts += 1;
            let request = self.http.request(method.clone(), &url);
            let request = request.bearer_auth(self.kit.token(who)).header("idempotency-key", &key);
            let request = if method == Method::POST {
                request.json(&body)
            } else {
                request
            };
            let said = match request.send().await {
                Ok(reply) => Said(Some(reply.status().as_u16()), reply.json().await.unwrap_or_default()),
                Err(_) => Said(None, Value::Null),
            };
            // 404: what was just made has not come there yet.
            if !matches!(said.0, None | Some(404 | 503)) || began.elapsed() > PATIENCE {
                break said;
            }
        };
        if said.0.is_some_and(|status| status >= 500 && status != 503) {
            let scandal = format!("{method} {path}: {:?} {}", said.0, said.1);
            self.scandals.lock().unwrap().push(scandal);
        }
        if let Some(op) = op {
            let recorded = RecordedResponse {
                at: self.kit.now().millis(),
                account: who.to_string(),
                user_id: Some(who.to_string()),
                operation: op,
                request: body,
                key: Some(key),
                status: said.0,
                response: recorded_fields(&said.1),
                duration_ms: 0,
                attempts,
                fault: None,
            };
            self.record.lock().unwrap().push(RecordLine::Response(recorded.into()));
        }
        said
    }
}

impl Scene {
    /// Two listings: of one the seller decides what goes back, and it is sold again; of the other neither.
    async fn set(world: &Arc<World>) -> Self {
        let mut listings = Vec::new();
        for number in 0..LISTINGS {
            let until = world.kit.now() + Duration::from_hours(24 * 365);
            let offer = json!({
                "title": format!("The Lighthouse Keepers, live ({number})"),
                "price": {"amount": 1999, "currency": "usd"},
                "quantity": 20,
                "refundableUntil": (number == 1).then_some(until),
                "resellRefunded": number == 0,
            });
            let at = (Method::POST, Service::Tickets, "/api/v1/tickets");
            let Said(status, listed) = world.ask(world.seller, None, at, offer).await;
            assert_eq!(status, Some(201), "{listed}");
            listings.push(listed["id"].as_str().unwrap().to_owned());
        }
        Self {
            world: world.clone(),
            listings,
            orders: Default::default(),
            secrets: Default::default(),
        }
    }

    async fn act(&self, step: &Step) {
        match *step {
            Step::Pays(order, card) => drop(self.pays(order, Some(card)).await),
            Step::OpensBrowser(order) => drop(self.pays(order, None).await),
            Step::Shows(order, card) => self.shows(order, card).await,
            Step::Proves(order, passes) => self.proves(order, passes).await,
            Step::Cancels(order) => self.cancels(order).await,
            Step::AsksBack(order, quantity) => self.asks_back(self.world.buyers[order], order, quantity).await,
            Step::GivesBack(order, quantity) => self.asks_back(self.world.seller, order, quantity).await,
            Step::Decides(order, yes) => self.decides(order, yes).await,
            Step::GivesBackByHand(order, amount) => self.gives_back_by_hand(order, amount).await,
            Step::RefundEnds(order, succeeds) => self.refund_ends(order, succeeds).await,
            Step::Disputes(order, inquiry) => self.disputes(order, inquiry).await,
            Step::Rules(order, won) => self.rules(order, won).await,
            Step::Withdraws(listing) => {
                let (id, path) = (
                    &self.listings[listing],
                    format!("/api/v1/tickets/{}", self.listings[listing]),
                );
                let at = (Method::DELETE, Service::Tickets, path.as_str());
                self.world
                    .ask(self.world.seller, Some(Operation::WithdrawTicket), at, json!({"id": id}))
                    .await;
            }
            Step::Later => drop(self.world.sim.run_scheduled().await),
            Step::Hurry
            | Step::Breaks(..)
            | Step::Post(..)
            | Step::PostComes(_)
            | Step::WindowPasses
            | Step::DayPasses
            | Step::Dies(_)
            | Step::DiesAt(..)
            | Step::BrokerGoes(_) => unreachable!(),
        }
    }

    /// An order, once it is placed.
    async fn placed(&self, order: usize) -> Option<String> {
        self.orders[order].lock().await.clone()
    }

    /// An order, which is placed unless it is there.
    async fn order(&self, order: usize) -> Option<String> {
        let mut placed = self.orders[order].lock().await;
        if placed.is_none() {
            let ticket = &self.listings[World::listing_of(order)];
            let wish = json!({"ticketId": ticket, "quantity": 1 + order % 3});
            let at = (Method::POST, Service::Orders, "/api/v1/orders");
            let Said(_, said) = self
                .world
                .ask(self.world.buyers[order], Some(Operation::PlaceOrder), at, wish)
                .await;
            *placed = said["expiresAt"]
                .is_string()
                .then(|| said["id"].as_str().unwrap().to_owned());
        }
        placed.clone()
    }

    /// How an order is shown to its buyer.
    async fn looks(&self, order: usize) -> Option<Value> {
        let id = self.placed(order).await?;
        let path = format!("/api/v1/orders/{id}");
        let at = (Method::GET, Service::Orders, path.as_str());
        let asked = self
            .world
            .ask(self.world.buyers[order], Some(Operation::GetOrder), at, json!({"id": id}));
        Some(asked.await.1)
    }

    async fn everybody_looks(&self) {
        for order in 0..ORDERS {
            self.looks(order).await;
        }
    }

    /// A complete order, if it becomes so soon. Whoever has not even ordered buys first.
    async fn bought(&self, order: usize) -> Option<String> {
        if self.placed(order).await.is_none() {
            self.pays(order, Some("tok_visa")).await;
        }
        let (began, mut looks) = (Instant::now(), interval(LOOK));
        loop {
            looks.tick().await;
            let shown = self.looks(order).await?;
            match shown["status"].as_str() {
                Some("created" | "awaiting:payment") | None if began.elapsed() < EXPECTANT => {}
                Some("created" | "awaiting:payment" | "cancelled") | None => return None,
                Some(_) => return self.placed(order).await,
            }
        }
    }

    /// Stripe's intent for a complete order.
    async fn taken(&self, order: usize) -> Option<Value> {
        let id = self.bought(order).await?;
        let intents = self.world.intents(&id).await;
        intents.into_iter().find(|intent| intent["status"] == "succeeded")
    }

    async fn pays(&self, order: usize, card: Option<&str>) -> Option<Value> {
        let id = self.order(order).await?;
        let at = (Method::POST, Service::Payments, "/api/v1/payments");
        let mut body = json!({"orderId": id});
        if let Some(card) = card {
            body["token"] = json!(card);
        }
        let Said(_, said) = self
            .world
            .ask(self.world.buyers[order], Some(Operation::PayOrder), at, body)
            .await;
        if let Some(secret) = said["clientSecret"].as_str() {
            *self.secrets[order].lock().await = Some(secret.to_owned());
        }
        Some(said)
    }

    /// What Stripe.js does in the buyer's browser.
    async fn shows(&self, order: usize, card: &str) {
        if self.secrets[order].lock().await.is_none() {
            self.pays(order, None).await;
        }
        let Some(secret) = self.secrets[order].lock().await.clone() else {
            return;
        };
        let (intent, method) = (
            secret.split("_secret_").next().unwrap(),
            card.replacen("tok_", "pm_card_", 1),
        );
        let form = format!(
            "key={PUBLISHABLE_KEY}&client_secret={secret}&payment_method={method}&return_url=https://shop.example/paid"
        );
        let url = format!("{}/v1/payment_intents/{intent}/confirm", self.world.stripe);
        let request = self.world.http.post(url).body(form);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let _whatever_stripe_says = request.send().await;
    }

    async fn proves(&self, order: usize, passes: bool) {
        let Some(id) = self.placed(order).await else { return };
        for intent in self.world.intents(&id).await {
            if intent["status"] == "requires_action" {
                // Meanwhile it may have been cancelled.
                let _asked = self
                    .world
                    .sim
                    .authenticate(intent["id"].as_str().unwrap(), passes)
                    .await;
            }
        }
    }

    async fn cancels(&self, order: usize) {
        let Some(id) = self.order(order).await else { return };
        let path = format!("/api/v1/orders/{id}");
        let at = (Method::DELETE, Service::Orders, path.as_str());
        let buyer = self.world.buyers[order];
        self.world
            .ask(buyer, Some(Operation::CancelOrder), at, json!({"id": id}))
            .await;
    }

    async fn asks_back(&self, who: UserId, order: usize, quantity: Option<u32>) {
        let Some(id) = self.bought(order).await else { return };
        let path = format!("/api/v1/orders/{id}/refunds");
        let at = (Method::POST, Service::Orders, path.as_str());
        self.world.ask(who, None, at, json!({"quantity": quantity})).await;
    }

    async fn decides(&self, order: usize, yes: bool) {
        let Some(id) = self.bought(order).await else { return };
        let (seller, path) = (self.world.seller, format!("/api/v1/orders/{id}/refunds"));
        let at = (Method::GET, Service::Orders, path.as_str());
        let Said(_, refunds) = self.world.ask(seller, None, at, Value::Null).await;
        let refunds = refunds["items"].as_array().cloned().unwrap_or_default();
        for refund in refunds.iter().filter(|refund| refund["status"] == "requested") {
            let verb = if yes { "approve" } else { "decline" };
            let path = format!("{path}/{}/{verb}", refund["id"].as_str().unwrap());
            let at = (Method::POST, Service::Orders, path.as_str());
            self.world.ask(seller, None, at, json!({})).await;
        }
    }

    async fn gives_back_by_hand(&self, order: usize, amount: i64) {
        let Some(intent) = self.taken(order).await else { return };
        let form = format!("payment_intent={}&amount={amount}", intent["id"].as_str().unwrap());
        self.world.at_stripe(Method::POST, "/v1/refunds", form).await;
    }

    async fn refund_ends(&self, order: usize, succeeds: bool) {
        let Some(intent) = self.taken(order).await else { return };
        let path = format!("refunds?payment_intent={}", intent["id"].as_str().unwrap());
        let refunds = self
            .world
            .at_stripe(Method::GET, &format!("/v1/{path}"), String::new())
            .await;
        let newest = refunds.as_ref().and_then(|list| list["data"][0]["id"].as_str());
        if let Some(newest) = newest {
            // It may have ended.
            let _ended = self.world.sim.end_refund(newest, succeeds).await;
        }
    }

    async fn disputes(&self, order: usize, inquiry: bool) {
        if let Some(intent) = self.taken(order).await {
            self.disputed(&intent, inquiry).await;
        }
    }

    async fn disputed(&self, intent: &Value, inquiry: bool) {
        let charge = intent["latest_charge"].as_str().unwrap();
        // All of it may have gone back, or be disputed.
        let _opened = self.world.sim.open_dispute(charge, "fraudulent", inquiry).await;
    }

    /// A bank that has to decide first takes the money, unless it did.
    async fn rules(&self, order: usize, won: bool) {
        let Some(intent) = self.taken(order).await else { return };
        self.disputed(&intent, false).await;
        let path = format!("/v1/disputes?payment_intent={}", intent["id"].as_str().unwrap());
        let disputes = self.world.at_stripe(Method::GET, &path, String::new()).await;
        let newest = disputes.as_ref().and_then(|list| list["data"][0]["id"].as_str());
        if let Some(newest) = newest {
            let _decided = self.world.sim.decide_dispute(newest, won).await;
        }
    }
}
