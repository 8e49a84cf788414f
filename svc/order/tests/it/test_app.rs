//! The running order service, and what buyers, sellers and other services do.

use chassis::Service;
use db::admin;
use events::{
    Dispute, DisputeStatus, Event, Payment, PaymentStatus, Refund, RefundOutcome, Reversal, Ticket,
    examples::{self, usd},
};
use order::{Orders, Settings};
use rusqlite::Connection;
use serde_json::{Value, json};
use testkit::{Client, Reply, RunningService, TestEnv, eventually};
use values::{Clock, OrderId, PaymentId, TicketId, UserId};

pub(crate) struct TestApp {
    pub(crate) env: TestEnv,
    service: RunningService,
}

/// A new order, and its buyer.
pub(crate) struct PlacedOrder {
    pub(crate) id: OrderId,
    pub(crate) path: String,
    pub(crate) buyer: Client,
    pub(crate) buyer_id: UserId,
}

/// A paid order, its buyer and its payment.
pub(crate) struct Sale {
    pub(crate) path: String,
    pub(crate) buyer: Client,
    pub(crate) payment: Payment,
}

impl TestApp {
    pub(crate) async fn new() -> Self {
        Self::start(TestEnv::new().await).await
    }

    /// Starts the service with a clock that stands still until it is advanced.
    pub(crate) async fn with_manual_clock() -> Self {
        let clock = Clock::manual(Clock::system().now());
        Self::start(TestEnv::with_clock(clock).await).await
    }

    async fn start(env: TestEnv) -> Self {
        let service = env.start::<Orders>(Settings::default()).await;
        Self { env, service }
    }

    /// Restarts the service; clients of before are disconnected.
    pub(crate) async fn restart(self) -> Self {
        self.restart_after(|_| ()).await
    }

    /// Restarts the service after a change of its database.
    pub(crate) async fn restart_after(self, change: impl FnOnce(&Connection)) -> Self {
        let Self { env, service } = self;
        service.stop().await;
        change(&Connection::open(env.database::<Orders>()).unwrap());
        let service = env.start::<Orders>(Settings::default()).await;
        Self { env, service }
    }

    /// Stops the service and checks the invariants of its database.
    pub(crate) async fn close_and_check(self) {
        self.service.stop().await;
        let findings = admin::check(&self.env.database::<Orders>(), &Orders::SCHEMA, Orders::INVARIANTS).unwrap();
        assert_eq!(findings, []);
    }

    /// A client that is not signed in.
    pub(crate) fn anonymous(&self) -> Client {
        self.service.client()
    }

    /// A client of a new user.
    pub(crate) fn user(&self) -> Client {
        self.env.user(&self.service).1
    }

    /// A new user and their client.
    pub(crate) fn user_with_id(&self) -> (UserId, Client) {
        self.env.user(&self.service)
    }

    /// Stops the service, upon which it writes the counted refusals, and returns its audit log.
    pub(crate) async fn stop_and_read_log(self) -> Vec<audit::Record> {
        self.service.stop().await;
        self.env.audit_log::<Orders>()
    }

    /// A client of the seller of a listing.
    pub(crate) fn seller(&self, ticket: &Ticket) -> Client {
        self.anonymous().bearer(&self.env.token(ticket.seller_id))
    }

    /// Publishes a new listing.
    pub(crate) async fn create_listing(&self, quantity: u32) -> Ticket {
        let ticket = Ticket {
            quantity,
            ..examples::ticket(self.env.now())
        };
        self.publish_listing(&ticket).await;
        ticket
    }

    /// Publishes a listing under the event of its version.
    pub(crate) async fn publish_listing(&self, ticket: &Ticket) {
        let event = match ticket.version {
            1 => Event::TicketCreated(ticket.clone()),
            _ => Event::TicketUpdated(ticket.clone()),
        };
        self.env.publish("ticket", event).await;
    }

    /// Places an order for a new buyer.
    pub(crate) async fn place(&self, ticket: &Ticket, quantity: u32) -> PlacedOrder {
        let (buyer_id, buyer) = self.env.user(&self.service);
        let body = json!({"ticketId": ticket.id, "quantity": quantity});
        let placed = buyer.post_when_replicated("/api/v1/orders", body).await.expect(201);
        let id = placed.text_at("/id");
        PlacedOrder {
            path: format!("/api/v1/orders/{id}"),
            id: id.parse().unwrap(),
            buyer,
            buyer_id,
        }
    }

    /// Places an order for a new buyer and captures its payment.
    pub(crate) async fn sell(&self, ticket: &Ticket, quantity: u32) -> Sale {
        let order = self.place(ticket, quantity).await;
        let payment = Payment {
            id: PaymentId::new(self.env.now()),
            version: 4,
            status: PaymentStatus::Captured,
            order_id: order.id,
            buyer_id: order.buyer_id,
            amount: ticket.price.times(quantity).unwrap(),
        };
        let captured = Event::PaymentCreated(payment.clone());
        self.env.publish("payment", captured).await;
        self.env
            .wait_for_event(|event| matches!(event, Event::OrderCompleted(completed) if completed.id == order.id))
            .await;
        Sale {
            path: order.path,
            buyer: order.buyer,
            payment,
        }
    }

    /// Waits for the first published refund that was approved and matches.
    pub(crate) async fn wait_for_approved(&self, matches: impl Fn(&Refund) -> bool) -> Refund {
        let approved = self
            .env
            .wait_for_event(|event| matches!(event, Event::RefundApproved(refund) if matches(refund)))
            .await;
        approved.as_refund().unwrap().clone()
    }

    /// Publishes the outcome of a refund: paid, or failed.
    pub(crate) async fn publish_outcome(&self, sale: &Sale, refund: &Refund, version: u64, failure: Option<&str>) {
        let outcome = RefundOutcome {
            id: refund.id,
            amount: refund.amount,
            failure: failure.map(str::to_owned),
        };
        let reversal = Reversal {
            refunded_total: refund.amount,
            refund: Some(outcome),
            ..sale.reversal(version)
        };
        let event = match failure {
            None => Event::PaymentRefunded(reversal),
            Some(_) => Event::PaymentRefundFailed(reversal),
        };
        self.env.publish("payment", event).await;
    }

    /// Publishes the status of a dispute of the whole amount.
    pub(crate) async fn publish_dispute(&self, sale: &Sale, version: u64, status: DisputeStatus) {
        let dispute = Dispute {
            status,
            amount: sale.payment.amount,
        };
        let reversal = Reversal {
            dispute: Some(dispute),
            ..sale.reversal(version)
        };
        self.env.publish("payment", Event::PaymentDisputed(reversal)).await;
    }
}

impl Sale {
    pub(crate) async fn request_refund(&self, by: &Client, body: Value) -> Reply {
        by.post(&format!("{}/refunds", self.path), body).await
    }

    /// Approves or declines a refund: `decision` is the last segment of the path.
    pub(crate) async fn decide(&self, by: &Client, refund: &str, decision: &str) -> Reply {
        by.post(&format!("{}/refunds/{refund}/{decision}", self.path), json!({}))
            .await
    }

    /// Waits until the order has the status, and returns it.
    pub(crate) async fn wait_for_status(&self, status: &str) -> Value {
        eventually(status, || async {
            let order = self.buyer.get(&self.path).await.expect(200).json();
            (order["status"] == status).then_some(order)
        })
        .await
    }

    fn reversal(&self, version: u64) -> Reversal {
        Reversal {
            payment: Payment {
                version,
                ..self.payment.clone()
            },
            refunded_total: usd(0),
            refund: None,
            dispute: None,
        }
    }
}

/// Places an order of one ticket, the default.
pub(crate) async fn place_one(buyer: &Client, ticket: TicketId) -> Reply {
    buyer.post("/api/v1/orders", json!({"ticketId": ticket})).await
}

/// Places an order.
pub(crate) async fn place(buyer: &Client, ticket: TicketId, quantity: u32) -> Reply {
    let body = json!({"ticketId": ticket, "quantity": quantity});
    buyer.post("/api/v1/orders", body).await
}

/// Follows the cursors of a list, and returns the ids of all items. Runs `between` after each page.
pub(crate) async fn ids_of_all_pages(client: &Client, list: &str, between: impl AsyncFn()) -> Vec<String> {
    let mut ids = Vec::new();
    let mut path = format!("{list}?limit=2");
    loop {
        let page = client.get(&path).await.expect(200).json();
        let items = page["items"].as_array().unwrap();
        ids.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        between().await;
        let Value::String(cursor) = &page["nextCursor"] else {
            return ids;
        };
        path = format!("{list}?limit=2&cursor={cursor}");
    }
}
