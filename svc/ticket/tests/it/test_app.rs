use events::{Order, OrderStatus, examples};
use testkit::{Client, Reply, RunningService, TestEnv};
use ticket::Ticket;
use values::{Timestamp, UserId};

use crate::id;

/// A ticket service with an environment of its own.
pub(crate) struct TestApp {
    pub(crate) env: TestEnv,
    service: Option<RunningService>,
}

impl TestApp {
    pub(crate) async fn new() -> Self {
        let mut app = Self {
            env: TestEnv::new().await,
            service: None,
        };
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
