//! What people do: one request or two, drawn by lot from what can be done just now.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    Trouble,
    crew::{Person, Seed, locked, random},
    http::{Ask, Door, Reply},
    luck::Luck,
    op::Op,
    record::{Answer, Line, Recorder},
};

/// How many listings buyers choose from: those that came last, so that few seats are fought for.
const ON_SHOW: usize = 16;
/// How many orders and payments somebody remembers.
const REMEMBERED: usize = 20;

/// A listing, and whose it is.
#[derive(Clone, Debug)]
struct Listed {
    id: String,
    seller: Arc<Person>,
    offer: Value,
}

/// Everybody who takes part, and what they know.
pub(crate) struct Town {
    door: Door,
    recorder: Recorder,
    seed: Seed,
    luck: Luck,
    /// What keys begin with: those of another run differ.
    run: u64,
    keys: AtomicU64,
    sellers: Vec<Arc<Person>>,
    buyers: Mutex<Vec<Arc<Person>>>,
    listed: Mutex<Vec<Listed>>,
    /// The first trouble with the record: there is no point in going on without it.
    trouble: Mutex<Option<Trouble>>,
}

impl Town {
    pub(crate) fn new(door: Door, recorder: Recorder, seed: Seed, sellers: u32, buyers: u32) -> Result<Self, Trouble> {
        let crew = |what: &str, count| {
            (0..count)
                .map(|number| Arc::new(Person::new(&format!("{what}-{number}"), &seed)))
                .collect()
        };
        let run = random()?;
        Ok(Self {
            sellers: crew("seller", sellers),
            buyers: Mutex::new(crew("buyer", buyers)),
            door,
            recorder,
            seed,
            luck: Luck::new(run),
            run,
            keys: AtomicU64::new(0),
            listed: Mutex::default(),
            trouble: Mutex::default(),
        })
    }

    pub(crate) fn crew(&self) -> Vec<Arc<Person>> {
        let mut crew = self.sellers.clone();
        crew.extend(locked(&self.buyers).iter().cloned());
        crew
    }

    /// Why it makes no sense to go on.
    pub(crate) fn trouble(&self) -> Option<Trouble> {
        locked(&self.trouble).take()
    }

    /// Signs up, or in if they were here before with the same seed.
    pub(crate) async fn arrives(&self, person: &Person) -> Result<(), Trouble> {
        let signed_up = person.sign_up(&self.door, self.key()).await;
        let signed_up = self.note(signed_up, |answer| answer.status != Some(409));
        if signed_up.is(201) {
            return Ok(());
        }
        if signed_up.is(409) && self.note(person.sign_in(&self.door).await, |_| true).is(200) {
            return Ok(());
        }
        let Answer { who, status, fault, .. } = signed_up.answer;
        Err(Trouble(format!(
            "{who} cannot sign up: {status:?} {}",
            fault.unwrap_or_default()
        )))
    }

    /// Something to begin with: seats that are fought for, and seats for all.
    pub(crate) async fn opens(&self) {
        for number in 0..8 {
            self.lists(number % 2 == 0).await;
        }
    }

    /// Somebody does something.
    pub(crate) async fn act(&self) {
        let buyers = locked(&self.buyers).clone();
        let Some(buyer) = self.luck.one(&buyers) else { return };
        match self.luck.below(1000) {
            0..300 => self.orders(buyer).await,
            300..560 => self.pays(buyer).await,
            560..610 => self.cancels(buyer).await,
            610..720 => {
                self.looks_at(buyer, &buyer.orders, Op::GetOrder, "/api/v1/orders")
                    .await;
            }
            720..750 => self.looks_through(buyer, Op::ListOrders, "/api/v1/orders").await,
            750..790 => {
                self.looks_at(buyer, &buyer.payments, Op::GetPayment, "/api/v1/payments")
                    .await;
            }
            790..810 => self.looks_through(buyer, Op::ListPayments, "/api/v1/payments").await,
            810..900 => self.searches(buyer).await,
            900..950 => self.opens_a_page(buyer).await,
            950..965 => self.edits().await,
            965..968 => self.withdraws().await,
            968..980 => self.lists(self.luck.percent(70)).await,
            980..985 => self
                .asks(
                    buyer,
                    Ask::get(Op::CurrentUser, "/api/v1/auth/users/current", json!({})),
                )
                .await
                .done(),
            985..998 => self.renews(buyer).await,
            998 => self.signs_in_again(buyer).await,
            _ => self.somebody_new(buyers.len()).await,
        }
    }

    async fn orders(&self, buyer: &Person) {
        let Some(listed) = self.on_show() else { return };
        let asked = json!({"ticketId": listed.id, "quantity": 1 + self.luck.below(3)});
        let placed = self
            .asks(buyer, self.keyed(Op::PlaceOrder, "/api/v1/orders", asked))
            .await;
        if placed.is(201) {
            remember(&buyer.orders, placed.text("/id"));
            // One in seven is forgotten, and its time runs out.
            if !self.luck.percent(14) {
                locked(&buyer.open).push(placed.text("/id"));
            }
        }
    }

    async fn pays(&self, buyer: &Person) {
        let Some(order) = self.luck.take(&mut locked(&buyer.open)) else {
            return self.orders(buyer).await;
        };
        let card = if self.luck.percent(12) {
            "tok_chargeDeclined"
        } else {
            "tok_visa"
        };
        let asked = json!({"orderId": order, "token": card});
        let paid = self
            .asks(buyer, self.keyed(Op::PayOrder, "/api/v1/payments", asked))
            .await;
        if paid.is(201) {
            remember(&buyer.payments, paid.text("/id"));
        } else if !paid.is(409) {
            // Another card may do, or the order may be known by then.
            locked(&buyer.open).push(order);
        }
    }

    async fn cancels(&self, buyer: &Person) {
        // Mostly one that is not paid; now and then one that may be just now.
        let open = self.luck.take(&mut locked(&buyer.open));
        let order = open.or_else(|| self.luck.one(&locked(&buyer.orders)).cloned());
        let Some(order) = order else { return };
        let path = format!("/api/v1/orders/{order}");
        self.asks(
            buyer,
            Ask::new(Op::CancelOrder, Method::DELETE, path, json!({"id": order})),
        )
        .await
        .done();
    }

    async fn looks_at(&self, buyer: &Person, of: &Mutex<Vec<String>>, op: Op, path: &str) {
        let known = self.luck.one(&locked(of)).cloned();
        let Some(id) = known else {
            return self.searches(buyer).await;
        };
        self.asks(buyer, Ask::get(op, format!("{path}/{id}"), json!({"id": id})))
            .await
            .done();
    }

    async fn looks_through(&self, buyer: &Person, op: Op, path: &str) {
        self.asks(buyer, Ask::get(op, format!("{path}?limit=10"), json!({"limit": 10})))
            .await
            .done();
    }

    async fn searches(&self, buyer: &Person) {
        let word = self
            .luck
            .one(&["lantern", "harbour", "moth", "organ"])
            .copied()
            .unwrap_or_default();
        let path = format!("/api/v1/tickets?q={word}&available=true&limit=10");
        self.asks(buyer, Ask::get(Op::ListTickets, path, json!({"q": word})))
            .await
            .done();
    }

    async fn opens_a_page(&self, buyer: &Person) {
        let Some(listed) = self.on_show() else { return };
        self.sees(buyer, &listed.id).await.done();
    }

    async fn sees(&self, person: &Person, ticket: &str) -> Reply {
        let path = format!("/api/v1/tickets/{ticket}");
        self.asks(person, Ask::get(Op::GetTicket, path, json!({"id": ticket})))
            .await
    }

    /// Lists a few seats, or many. Their orders end within half a minute.
    async fn lists(&self, few: bool) {
        let Some(seller) = self.luck.one(&self.sellers) else {
            return;
        };
        let word = self
            .luck
            .one(&["Lantern", "Harbour", "Moth", "Organ"])
            .copied()
            .unwrap_or_default();
        let quantity = if few {
            2 + self.luck.below(5)
        } else {
            100 + self.luck.below(400)
        };
        let currency = self.luck.one(&["usd", "eur"]).copied().unwrap_or("usd");
        let offer = json!({
            "title": format!("{word} concert"),
            "price": {"amount": self.price(), "currency": currency},
            "quantity": quantity,
            "orderWindowSeconds": 10 + self.luck.below(21),
        });
        let created = self
            .asks(seller, self.keyed(Op::CreateTicket, "/api/v1/tickets", offer.clone()))
            .await;
        if created.is(201) {
            let (id, seller) = (created.text("/id"), seller.clone());
            locked(&self.listed).push(Listed { id, seller, offer });
        }
    }

    /// Changes a listing that was looked at a moment ago, and as it was seen.
    async fn edits(&self) {
        let Some(mut listed) = self.on_show() else { return };
        let seen = self.sees(&listed.seller, &listed.id).await;
        if !seen.is(200) {
            return;
        }
        let quantity = listed.offer["quantity"].as_u64().unwrap_or(1);
        listed.offer["quantity"] = json!((quantity + self.luck.below(4)).saturating_sub(1).max(1));
        listed.offer["price"]["amount"] = json!(self.price());
        let path = format!("/api/v1/tickets/{}", listed.id);
        let mut asked = listed.offer.clone();
        asked["id"] = json!(listed.id);
        let mut ask = Ask::new(Op::ChangeTicket, Method::PUT, path, asked);
        ask.body = Some(listed.offer.clone());
        ask.if_match = seen.etag;
        if self.asks(&listed.seller, ask).await.is(200) {
            let mut all = locked(&self.listed);
            if let Some(known) = all.iter_mut().find(|known| known.id == listed.id) {
                known.offer = listed.offer;
            }
        }
    }

    /// In minor units. Some tickets are free.
    fn price(&self) -> u64 {
        if self.luck.percent(10) {
            0
        } else {
            500 + self.luck.below(9500)
        }
    }

    async fn withdraws(&self) {
        let Some(listed) = self.on_show() else { return };
        let path = format!("/api/v1/tickets/{}", listed.id);
        let ask = Ask::new(Op::WithdrawTicket, Method::DELETE, path, json!({"id": listed.id}));
        if self.asks(&listed.seller, ask).await.is(204) {
            locked(&self.listed).retain(|known| known.id != listed.id);
            self.lists(false).await;
        }
    }

    async fn renews(&self, buyer: &Person) {
        let _alone = buyer.renewing.lock().await;
        let Some(renewed) = buyer.refresh(&self.door).await else {
            return;
        };
        if !self.note(renewed, |_| true).is(200) {
            self.note(buyer.sign_in(&self.door).await, |_| true).done();
        }
    }

    async fn signs_in_again(&self, buyer: &Person) {
        let _alone = buyer.renewing.lock().await;
        self.note(buyer.sign_in(&self.door).await, |_| true).done();
    }

    async fn somebody_new(&self, number: usize) {
        let key = self.key();
        let person = Arc::new(Person::new(&format!("buyer-{number}-{key}"), &self.seed));
        if self.note(person.sign_up(&self.door, key).await, |_| true).is(201) {
            locked(&self.buyers).push(person);
        }
    }

    /// Everybody once more: an access token is good for a quarter of an hour.
    pub(crate) async fn renew(&self, person: &Person) {
        self.renews(person).await;
    }

    fn on_show(&self) -> Option<Listed> {
        let listed = locked(&self.listed);
        let newest = listed.get(listed.len().saturating_sub(ON_SHOW)..)?;
        self.luck.one(newest).cloned()
    }

    fn keyed(&self, op: Op, path: &str, asked: Value) -> Ask {
        let mut ask = Ask::new(op, Method::POST, path, asked).with_body();
        ask.key = Some(self.key());
        ask
    }

    fn key(&self) -> String {
        format!("drill-{:x}-{}", self.run, self.keys.fetch_add(1, Ordering::Relaxed))
    }

    async fn asks(&self, person: &Person, ask: Ask) -> Reply {
        self.note(person.ask(&self.door, ask).await, |_| true)
    }

    /// Writes an answer down, if it is worth it.
    fn note(&self, reply: Reply, worth: impl Fn(&Answer) -> bool) -> Reply {
        if worth(&reply.answer)
            && let Err(trouble) = self.recorder.write(&Line::Answer(Box::new(reply.answer.clone())))
        {
            locked(&self.trouble).get_or_insert(trouble);
        }
        reply
    }
}

impl Reply {
    /// Nothing more is done with it.
    fn done(self) {
        drop(self);
    }
}

fn remember(list: &Mutex<Vec<String>>, id: String) {
    let mut list = locked(list);
    if list.len() >= REMEMBERED {
        list.remove(0);
    }
    list.push(id);
}
