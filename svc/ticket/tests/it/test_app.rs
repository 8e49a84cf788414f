use events::{Order, OrderStatus, examples};
use testkit::{Client, Reply, RunningService, TestEnv};
use ticket::Ticket;
use values::{Clock, Timestamp, UserId};

use crate::id;

/// A ticket service with an environment of its own.
pub(crate) struct TestApp {
    pub(crate) env: TestEnv,
    service: Option<RunningService>,
}

impl TestApp {
    pub(crate) async fn new() -> Self {
        Self::in_env(TestEnv::new().await).await
    }

    /// Starts the service with a clock that stands still until it is advanced.
    pub(crate) async fn with_manual_clock() -> Self {
        let clock = Clock::manual(Clock::system().now());
        Self::in_env(TestEnv::with_clock(clock).await).await
    }

    async fn in_env(env: TestEnv) -> Self {
        let mut app = Self { env, service: None };
        app.start().await;
        app
    }

    /// Starts the service, on the database that it had if it was stopped.
    pub(crate) async fn start(&mut self) {
        self.service = Some(self.env.start::<Ticket>(ticket::Settings::default()).await);
    }

    /// Stops the service; its database stays.
    pub(crate) async fn stop(&mut self) {
        self.service.take().unwrap().stop().await;
    }

    fn service(&self) -> &RunningService {
        self.service.as_ref().unwrap()
    }

    /// Returns a client without a token.
    pub(crate) fn client(&self) -> Client {
        self.service().client()
    }

    /// Returns a new user and their client.
    pub(crate) fn user(&self) -> (UserId, Client) {
        self.env.user(self.service())
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.env.now()
    }

    /// Returns the first state of an order of this ticket. It is not published.
    pub(crate) fn order(&self, ticket: &Reply, quantity: u32) -> Order {
        Order {
            seller_id: ticket.text_at("/sellerId").parse().unwrap(),
            ticket_id: id(ticket),
            quantity,
            total: serde_json::from_value(ticket.json()["price"].clone()).unwrap(),
            expires_at: self.now(),
            ..examples::order(self.now())
        }
    }

    /// Publishes the next state of an order.
    pub(crate) async fn publish_order(&self, order: &mut Order, status: OrderStatus) {
        if status != OrderStatus::Created {
            order.version += 1;
            order.status = status;
        }
        self.env.publish("order", examples::order_event(order.clone())).await;
    }

    /// Returns a client with an access token of this user.
    pub(crate) fn client_of(&self, user: UserId) -> Client {
        self.client().bearer(&self.env.token(user))
    }

    /// Completes an order of this ticket, and returns it with its admissions, as the buyer sees them.
    pub(crate) async fn complete_order(&self, ticket: &Reply, quantity: u32) -> (Order, Vec<serde_json::Value>) {
        let mut order = self.order(ticket, quantity);
        self.publish_order(&mut order, OrderStatus::Created).await;
        self.publish_order(&mut order, OrderStatus::Complete).await;
        let admissions = self.admissions(&order, usize::try_from(quantity).unwrap()).await;
        (order, admissions)
    }

    /// Waits until the buyer of an order sees so many admissions.
    pub(crate) async fn admissions(&self, order: &Order, count: usize) -> Vec<serde_json::Value> {
        let (buyer, path) = (
            self.client_of(order.buyer_id),
            format!("/api/v1/admissions?orderId={}&limit=100", order.id),
        );
        testkit::eventually("the admissions of the order are issued", || async {
            let admissions = buyer.get(&path).await.expect(200).json();
            let items = admissions["items"].as_array().unwrap().clone();
            (items.len() == count).then_some(items)
        })
        .await
    }

    /// Waits until the ticket shows these numbers.
    pub(crate) async fn wait_for_stock(&self, path: &str, held: u64, sold: u64) -> Reply {
        testkit::eventually("held and sold follow from the orders", || async {
            let reply = self.client().get(path).await.expect(200);
            let ticket = reply.json();
            (ticket["held"] == held && ticket["sold"] == sold).then_some(reply)
        })
        .await
    }
}
