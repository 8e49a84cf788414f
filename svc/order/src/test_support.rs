//! Fixtures of the unit tests: values, and a database with one listing.

use std::time::Duration;

use chassis::Service;
use db::Db;
use events::{Envelope, Event, Expiration, OrderStatus, Payment, PaymentStatus, Ticket, examples};
use rusqlite::Connection;
use sale_limits::SaleLimits;
use values::{OrderId, PaymentId, Timestamp, UserId};

use crate::{
    Orders,
    domain::{Listing, Order, OrderLimits, OrderState, SeenListing},
    events::consume,
    store,
    use_cases::{PlaceOrder, PlaceOrderError, place_order},
};

/// The time to pay an order.
pub(crate) const WINDOW: Duration = Duration::from_mins(15);
/// The limits of the marketplace, as by default.
pub(crate) const LIMITS: OrderLimits = OrderLimits {
    sale: SaleLimits {
        max_tickets_per_order: 10,
        max_open_orders: 10,
        max_unpaid_holds: 2,
        unpaid_hold_window: Duration::from_hours(1),
        unpaid_hold_pause: Duration::from_hours(1),
    },
    default_window: WINDOW,
};
/// By how much a pending payment moves the deadline.
pub(crate) const EXTENSION: Duration = Duration::from_mins(5);

pub(crate) fn noon() -> Timestamp {
    "2027-06-01T12:00:00Z".parse().unwrap()
}

/// A listing with 100 tickets available.
pub(crate) fn listing() -> Listing {
    let ticket = examples::ticket(noon());
    Listing {
        id: ticket.id,
        version: ticket.version,
        seller_id: ticket.seller_id,
        title: ticket.title,
        price: ticket.price,
        starts_at: None,
        sales_begin: None,
        sales_end: None,
        requires_second_factor: false,
        order_window: None,
        withdrawn_at: None,
        refundable_until: None,
        resell_refunded: true,
        max_per_buyer: None,
        available: ticket.quantity,
    }
}

/// A new order of two tickets.
pub(crate) fn new_order() -> Order {
    Order::place(&listing(), UserId::new(noon()), 2, WINDOW, noon()).unwrap()
}

/// A paid order of three tickets.
pub(crate) fn paid_order() -> Order {
    paid_order_with(|_| ())
}

/// A paid order of three tickets, with changes.
pub(crate) fn paid_order_with(change: impl FnOnce(&mut OrderState)) -> Order {
    let mut state = new_order().state().clone();
    state.quantity = 3;
    state.status = OrderStatus::Complete;
    state.payment_id = Some(PaymentId::new(noon()));
    change(&mut state);
    Order::from_state(state).unwrap()
}

/// A database with one listing, at noon.
pub(crate) struct TestDb {
    pub(crate) db: Db,
    pub(crate) ticket: Ticket,
    folder: tempfile::TempDir,
}

/// The stock of a listing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stock {
    pub(crate) quantity: u32,
    pub(crate) held: u32,
    pub(crate) sold: u32,
}

impl TestDb {
    /// A database with a listing of `quantity` tickets.
    pub(crate) async fn with_tickets(quantity: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&folder.path().join("order.db"), &Orders::SCHEMA).unwrap();
        let ticket = Ticket {
            quantity,
            ..examples::ticket(noon())
        };
        let test_db = Self { db, ticket, folder };
        test_db.consume(Event::TicketCreated(test_db.ticket.clone())).await;
        test_db
    }

    pub(crate) async fn try_consume(&self, event: Event) -> Result<(), bus::ConsumeError> {
        let envelope = Envelope::new("other", noon(), event);
        self.db.write(move |tx| consume(tx, noon(), &envelope, EXTENSION)).await
    }

    pub(crate) async fn consume(&self, event: Event) {
        self.try_consume(event).await.unwrap();
    }

    /// Consumes a payment of one ticket in a status.
    pub(crate) async fn consume_payment(&self, payment: PaymentId, order: OrderId, status: PaymentStatus) {
        self.consume(self.payment(payment, order, status)).await;
    }

    /// The event of a payment of one ticket.
    pub(crate) fn payment(&self, id: PaymentId, order_id: OrderId, status: PaymentStatus) -> Event {
        examples::payment_event(Payment {
            id,
            version: 1,
            status,
            order_id,
            buyer_id: UserId::new(noon()),
            amount: self.ticket.price,
        })
    }

    /// The event of the deadline of an order.
    pub(crate) fn expiration(order_id: OrderId) -> Event {
        Event::ExpirationCompleted(Expiration {
            order_id,
            version: 1,
            deadline: noon() + WINDOW,
        })
    }

    /// Changes the listing and consumes its new version.
    pub(crate) async fn update_listing(&self, version: u64, change: impl FnOnce(&mut Ticket)) {
        let mut ticket = self.ticket.clone();
        ticket.version = version;
        change(&mut ticket);
        self.consume(Event::TicketUpdated(ticket)).await;
    }

    pub(crate) async fn place(&self, quantity: u32) -> Result<OrderId, PlaceOrderError> {
        let command = PlaceOrder {
            buyer_id: UserId::new(noon()),
            ticket_id: self.ticket.id,
            quantity,
            has_second_factor: false,
            seen: SeenListing::default(),
        };
        self.place_as(command).await
    }

    pub(crate) async fn place_as(&self, command: PlaceOrder) -> Result<OrderId, PlaceOrderError> {
        let order = self.db.write(move |tx| place_order(tx, noon(), &LIMITS, command));
        Ok(order.await?.id())
    }

    pub(crate) async fn order(&self, id: OrderId) -> Order {
        let order = self.db.read(move |conn| store::find_order(conn, id)).await;
        order.unwrap().unwrap()
    }

    pub(crate) async fn status(&self, id: OrderId) -> OrderStatus {
        self.order(id).await.status()
    }

    pub(crate) async fn stock(&self) -> Stock {
        let read = |conn: &Connection| -> Result<_, db::Error> {
            Ok(conn.query_row("SELECT quantity, held, sold FROM listing", [], |row| {
                Ok(Stock {
                    quantity: row.get(0)?,
                    held: row.get(1)?,
                    sold: row.get(2)?,
                })
            })?)
        };
        self.db.read(read).await.unwrap()
    }

    pub(crate) async fn assert_stock(&self, quantity: u32, held: u32, sold: u32) {
        assert_eq!(self.stock().await, Stock { quantity, held, sold });
    }

    /// Closes the database and checks its invariants.
    pub(crate) async fn close_and_check(self) {
        self.db.close().await;
        self.check();
    }

    /// Checks the invariants of the database.
    pub(crate) fn check(&self) {
        let file = self.folder.path().join("order.db");
        let findings = db::admin::check(&file, &Orders::SCHEMA, Orders::INVARIANTS).unwrap();
        assert!(findings.is_empty(), "{findings:?}");
    }
}

/// A runtime for the cases of a property test.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}
