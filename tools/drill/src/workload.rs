//! The actions of buyers and sellers: one request or two each, chosen at random from those that are possible.

use std::{
    ops::RangeInclusive,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    DrillError,
    accounts::{Account, AccountSeed, lock, random_u64},
    client::{ApiRequest, HttpClient, Reply},
    operation::Operation,
    random::Random,
    recording::{RecordLine, RecordWriter, RecordedResponse},
};

/// The usual order windows of listings, in seconds: orders expire within half a minute.
pub const ORDER_WINDOW_SECONDS: RangeInclusive<u64> = 10..=30;
/// The number of listings that buyers choose from, the newest ones, so that buyers compete for few seats.
const CHOSEN_LISTINGS: usize = 16;
/// The number of orders and payments that an account gets again, and of paid orders whose tickets it uses.
const MAX_REMEMBERED_IDS: usize = 20;

/// A listing and its seller.
#[derive(Clone, Debug)]
struct Listing {
    id: String,
    seller: Arc<Account>,
    offer: Value,
}

/// The accounts of a load and their listings.
pub(crate) struct Workload {
    client: HttpClient,
    writer: RecordWriter,
    seed: AccountSeed,
    random: Random,
    /// A random number in every idempotency key, so that the keys of runs differ.
    run: u64,
    keys: AtomicU64,
    /// The order windows of listings, in seconds.
    order_windows: RangeInclusive<u64>,
    sellers: Vec<Arc<Account>>,
    buyers: Mutex<Vec<Arc<Account>>>,
    listings: Mutex<Vec<Listing>>,
    /// The first error of the record, which ends the load.
    error: Mutex<Option<DrillError>>,
}

impl Workload {
    pub(crate) fn new(
        client: HttpClient,
        writer: RecordWriter,
        seed: AccountSeed,
        sellers: u32,
        buyers: u32,
    ) -> Result<Self, DrillError> {
        let accounts = |role: &str, count| {
            (0..count)
                .map(|number| Arc::new(Account::new(&format!("{role}-{number}"), &seed)))
                .collect()
        };
        let run = random_u64()?;
        Ok(Self {
            sellers: accounts("seller", sellers),
            buyers: Mutex::new(accounts("buyer", buyers)),
            client,
            writer,
            seed,
            random: Random::new(run),
            run,
            keys: AtomicU64::new(0),
            order_windows: ORDER_WINDOW_SECONDS,
            listings: Mutex::default(),
            error: Mutex::default(),
        })
    }

    /// Sets the order windows of listings, in seconds.
    pub(crate) fn with_order_windows(mut self, seconds: RangeInclusive<u64>) -> Self {
        self.order_windows = seconds;
        self
    }

    /// Returns every account.
    pub(crate) fn accounts(&self) -> Vec<Arc<Account>> {
        let mut accounts = self.sellers.clone();
        accounts.extend(lock(&self.buyers).iter().cloned());
        accounts
    }

    /// Takes the error that ends the load, if there is one.
    pub(crate) fn error(&self) -> Option<DrillError> {
        lock(&self.error).take()
    }

    /// Signs an account up, or in if an earlier load with the same seed signed it up.
    pub(crate) async fn sign_up(&self, account: &Account) -> Result<(), DrillError> {
        let signed_up = account.sign_up(&self.client, self.new_key()).await;
        let signed_up = self.record(signed_up, |response| response.status != Some(409));
        if signed_up.is(201) {
            return Ok(());
        }
        if signed_up.is(409) && self.record(account.sign_in(&self.client).await, |_| true).is(200) {
            return Ok(());
        }
        let RecordedResponse {
            account, status, fault, ..
        } = signed_up.recorded;
        Err(DrillError(format!(
            "{account} cannot sign up: {status:?} {}",
            fault.unwrap_or_default()
        )))
    }

    /// Creates the first listings: some with few seats, some with many.
    pub(crate) async fn create_first_listings(&self) {
        for number in 0..8 {
            self.create_listing(number % 2 == 0).await;
        }
    }

    /// Performs one random action.
    pub(crate) async fn perform_random_action(&self) {
        let buyers = lock(&self.buyers).clone();
        let Some(buyer) = self.random.choose(&buyers) else {
            return;
        };
        match self.random.below(1000) {
            0..300 => self.place_order(buyer).await,
            300..560 => self.pay_order(buyer).await,
            560..610 => self.cancel_order(buyer).await,
            610..660 => self.check_in(buyer).await,
            660..720 => {
                self.get_one(buyer, &buyer.orders, Operation::GetOrder, "/api/v1/orders")
                    .await;
            }
            720..750 => self.list_some(buyer, Operation::ListOrders, "/api/v1/orders").await,
            750..790 => {
                self.get_one(buyer, &buyer.payments, Operation::GetPayment, "/api/v1/payments")
                    .await;
            }
            790..810 => self.list_some(buyer, Operation::ListPayments, "/api/v1/payments").await,
            810..900 => self.search(buyer).await,
            900..950 => self.get_some_listing(buyer).await,
            950..965 => self.change_listing().await,
            965..968 => self.withdraw_listing().await,
            968..980 => self.create_listing(self.random.percent(70)).await,
            980..985 => self
                .send(
                    buyer,
                    ApiRequest::get(Operation::CurrentUser, "/api/v1/auth/users/current", json!({})),
                )
                .await
                .ignore(),
            985..998 => self.refresh_session(buyer).await,
            998 => self.sign_in_again(buyer).await,
            _ => self.sign_up_buyer(buyers.len()).await,
        }
    }

    async fn place_order(&self, buyer: &Account) {
        let Some(listing) = self.choose_listing() else { return };
        let parameters = json!({"ticketId": listing.id, "quantity": 1 + self.random.below(3)});
        let placed = self
            .send(
                buyer,
                self.post_with_key(Operation::PlaceOrder, "/api/v1/orders", parameters),
            )
            .await;
        if placed.is(201) {
            remember(&buyer.orders, placed.text("/id"));
            // One in seven is neither paid nor cancelled, and expires.
            if !self.random.percent(14) {
                lock(&buyer.open_orders).push(placed.text("/id"));
            }
        }
    }

    async fn pay_order(&self, buyer: &Account) {
        let Some(order) = self.random.take(&mut lock(&buyer.open_orders)) else {
            return self.place_order(buyer).await;
        };
        let card = if self.random.percent(12) {
            "tok_chargeDeclined"
        } else {
            "tok_visa"
        };
        let parameters = json!({"orderId": order, "token": card});
        let paid = self
            .send(
                buyer,
                self.post_with_key(Operation::PayOrder, "/api/v1/payments", parameters),
            )
            .await;
        if paid.is(201) {
            remember(&buyer.payments, paid.text("/id"));
            remember(&buyer.paid_orders, order);
        } else if !paid.is(409) {
            // The next attempt uses another card, or the order is replicated by then.
            lock(&buyer.open_orders).push(order);
        }
    }

    async fn cancel_order(&self, buyer: &Account) {
        // An open order, or else any, which may be in the middle of its payment.
        let open = self.random.take(&mut lock(&buyer.open_orders));
        let order = open.or_else(|| self.random.choose(&lock(&buyer.orders)).cloned());
        let Some(order) = order else { return };
        let path = format!("/api/v1/orders/{order}");
        self.send(
            buyer,
            ApiRequest::new(Operation::CancelOrder, Method::DELETE, path, json!({"id": order})),
        )
        .await
        .ignore();
    }

    /// Lets a buyer in: the seller checks in one ticket of an order. One time in four it is scanned at two doors at once.
    async fn check_in(&self, buyer: &Account) {
        let order = self.random.choose(&lock(&buyer.paid_orders)).cloned();
        let Some(order) = order else {
            return self.search(buyer).await;
        };
        let path = format!("/api/v1/admissions?orderId={order}&limit=10");
        let request = ApiRequest::get(Operation::ListAdmissions, path, json!({"orderId": order}));
        let listed = self.send(buyer, request).await;
        let admissions = listed.body["items"].as_array().cloned().unwrap_or_default();
        let Some(admission) = self.random.choose(&admissions) else {
            return;
        };
        let text = |name: &str| admission[name].as_str().map(ToOwned::to_owned);
        let (Some(id), Some(ticket), Some(code)) = (text("id"), text("ticketId"), text("qr")) else {
            return;
        };
        let seller = lock(&self.listings)
            .iter()
            .find(|listing| listing.id == ticket)
            .map(|listing| listing.seller.clone());
        let Some(seller) = seller else { return };
        let scan = || {
            let path = format!("/api/v1/tickets/{ticket}/check-ins");
            let parameters = json!({"id": ticket, "admissionId": id});
            let mut request = self.post_with_key(Operation::CheckIn, &path, parameters);
            request.body = Some(json!({"code": code}));
            self.send(&seller, request)
        };
        if self.random.percent(25) {
            let (first, second) = tokio::join!(scan(), scan());
            first.ignore();
            second.ignore();
        } else {
            scan().await.ignore();
        }
    }

    async fn get_one(&self, buyer: &Account, ids: &Mutex<Vec<String>>, operation: Operation, path: &str) {
        let id = self.random.choose(&lock(ids)).cloned();
        let Some(id) = id else {
            return self.search(buyer).await;
        };
        self.send(
            buyer,
            ApiRequest::get(operation, format!("{path}/{id}"), json!({"id": id})),
        )
        .await
        .ignore();
    }

    async fn list_some(&self, buyer: &Account, operation: Operation, path: &str) {
        self.send(
            buyer,
            ApiRequest::get(operation, format!("{path}?limit=10"), json!({"limit": 10})),
        )
        .await
        .ignore();
    }

    async fn search(&self, buyer: &Account) {
        let word = self
            .random
            .choose(&["lantern", "harbour", "moth", "organ"])
            .copied()
            .unwrap_or_default();
        let path = format!("/api/v1/tickets?q={word}&available=true&limit=10");
        self.send(buyer, ApiRequest::get(Operation::ListTickets, path, json!({"q": word})))
            .await
            .ignore();
    }

    async fn get_some_listing(&self, buyer: &Account) {
        let Some(listing) = self.choose_listing() else { return };
        self.get_listing(buyer, &listing.id).await.ignore();
    }

    async fn get_listing(&self, account: &Account, ticket: &str) -> Reply {
        let path = format!("/api/v1/tickets/{ticket}");
        self.send(
            account,
            ApiRequest::get(Operation::GetTicket, path, json!({"id": ticket})),
        )
        .await
    }

    /// Creates a listing with few seats, or with many.
    async fn create_listing(&self, few_seats: bool) {
        let Some(seller) = self.random.choose(&self.sellers) else {
            return;
        };
        let word = self
            .random
            .choose(&["Lantern", "Harbour", "Moth", "Organ"])
            .copied()
            .unwrap_or_default();
        let quantity = if few_seats {
            2 + self.random.below(5)
        } else {
            100 + self.random.below(400)
        };
        let currency = self.random.choose(&["usd", "eur"]).copied().unwrap_or("usd");
        let offer = json!({
            "title": format!("{word} concert"),
            "price": {"amount": self.price(), "currency": currency},
            "quantity": quantity,
            "orderWindowSeconds": self.order_window(),
            // A few buyers stand for many.
            "maxPerBuyer": 1_000_000,
        });
        let created = self
            .send(
                seller,
                self.post_with_key(Operation::CreateTicket, "/api/v1/tickets", offer.clone()),
            )
            .await;
        if created.is(201) {
            let (id, seller) = (created.text("/id"), seller.clone());
            lock(&self.listings).push(Listing { id, seller, offer });
        }
    }

    /// Gets a listing and changes it, with the `ETag` of the response.
    async fn change_listing(&self) {
        let Some(mut listing) = self.choose_listing() else {
            return;
        };
        let current = self.get_listing(&listing.seller, &listing.id).await;
        if !current.is(200) {
            return;
        }
        let quantity = listing.offer["quantity"].as_u64().unwrap_or(1);
        listing.offer["quantity"] = json!((quantity + self.random.below(4)).saturating_sub(1).max(1));
        listing.offer["price"]["amount"] = json!(self.price());
        let path = format!("/api/v1/tickets/{}", listing.id);
        let mut parameters = listing.offer.clone();
        parameters["id"] = json!(listing.id);
        let mut request = ApiRequest::new(Operation::ChangeTicket, Method::PUT, path, parameters);
        request.body = Some(listing.offer.clone());
        request.if_match = current.etag;
        if self.send(&listing.seller, request).await.is(200) {
            let mut all = lock(&self.listings);
            if let Some(known) = all.iter_mut().find(|known| known.id == listing.id) {
                known.offer = listing.offer;
            }
        }
    }

    /// Returns an order window in seconds.
    fn order_window(&self) -> u64 {
        let (shortest, longest) = (*self.order_windows.start(), *self.order_windows.end());
        shortest + self.random.below(longest.saturating_sub(shortest) + 1)
    }

    /// Returns a price in minor units. One ticket in ten is free.
    fn price(&self) -> u64 {
        if self.random.percent(10) {
            0
        } else {
            500 + self.random.below(9500)
        }
    }

    async fn withdraw_listing(&self) {
        let Some(listing) = self.choose_listing() else { return };
        let path = format!("/api/v1/tickets/{}", listing.id);
        let request = ApiRequest::new(
            Operation::WithdrawTicket,
            Method::DELETE,
            path,
            json!({"id": listing.id}),
        );
        if self.send(&listing.seller, request).await.is(204) {
            lock(&self.listings).retain(|known| known.id != listing.id);
            self.create_listing(false).await;
        }
    }

    /// Refreshes the session of an account, or signs in again.
    pub(crate) async fn refresh_session(&self, buyer: &Account) {
        let _guard = buyer.refresh_lock.lock().await;
        let Some(refreshed) = buyer.refresh(&self.client).await else {
            return;
        };
        if !self.record(refreshed, |_| true).is(200) {
            self.record(buyer.sign_in(&self.client).await, |_| true).ignore();
        }
    }

    async fn sign_in_again(&self, buyer: &Account) {
        let _guard = buyer.refresh_lock.lock().await;
        self.record(buyer.sign_in(&self.client).await, |_| true).ignore();
    }

    async fn sign_up_buyer(&self, number: usize) {
        let key = self.new_key();
        let buyer = Arc::new(Account::new(&format!("buyer-{number}-{key}"), &self.seed));
        if self.record(buyer.sign_up(&self.client, key).await, |_| true).is(201) {
            lock(&self.buyers).push(buyer);
        }
    }

    /// Chooses one of the newest listings.
    fn choose_listing(&self) -> Option<Listing> {
        let listings = lock(&self.listings);
        let newest = listings.get(listings.len().saturating_sub(CHOSEN_LISTINGS)..)?;
        self.random.choose(newest).cloned()
    }

    /// Returns a POST with an idempotency key.
    fn post_with_key(&self, operation: Operation, path: &str, parameters: Value) -> ApiRequest {
        let mut request = ApiRequest::new(operation, Method::POST, path, parameters).with_body();
        request.key = Some(self.new_key());
        request
    }

    fn new_key(&self) -> String {
        format!("drill-{:x}-{}", self.run, self.keys.fetch_add(1, Ordering::Relaxed))
    }

    async fn send(&self, account: &Account, request: ApiRequest) -> Reply {
        self.record(account.send(&self.client, request).await, |_| true)
    }

    /// Appends a response to the record if `is_recorded`.
    fn record(&self, reply: Reply, is_recorded: impl Fn(&RecordedResponse) -> bool) -> Reply {
        if is_recorded(&reply.recorded)
            && let Err(error) = self
                .writer
                .write(&RecordLine::Response(Box::new(reply.recorded.clone())))
        {
            lock(&self.error).get_or_insert(error);
        }
        reply
    }
}

impl Reply {
    /// Ignores the reply, which is recorded.
    fn ignore(self) {
        drop(self);
    }
}

fn remember(list: &Mutex<Vec<String>>, id: String) {
    let mut list = lock(list);
    if list.len() >= MAX_REMEMBERED_IDS {
        list.remove(0);
    }
    list.push(id);
}
