//! The use cases over a real database: what the stock is after any history.

use std::time::Duration;

use db::{Db, Schema};
use events::{Envelope, Event, Expiration, Payment, PaymentStatus, Ticket};
use proptest::{prelude::*, test_runner::TestCaseError};
use values::{Money, OrderId, PaymentId, TicketId, Timestamp, UserId};

use super::{PlaceOrder, PlaceOrderError, cancel_order, place_order};
use crate::{
    Orders,
    events::consume,
    test_support::{EXTENSION, WINDOW, noon},
};
use chassis::Service;

const SCHEMA: Schema = Orders::SCHEMA;

struct World {
    db: Db,
    folder: tempfile::TempDir,
    ticket: Ticket,
}

impl World {
    async fn with(quantity: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&folder.path().join("order.db"), &SCHEMA).unwrap();
        let ticket = Ticket {
            id: TicketId::new(noon()),
            version: 1,
            seller_id: UserId::new(noon()),
            title: "The Lighthouse Keepers, live".to_owned(),
            price: Money {
                amount: 1999,
                currency: "usd".parse().unwrap(),
            },
            quantity,
            starts_at: None,
            order_window_seconds: None,
            withdrawn_at: None,
            refund_terms: events::RefundTerms::default(),
            record: None,
        };
        let world = Self { db, folder, ticket };
        world.hear(Event::TicketCreated(world.ticket.clone())).await;
        world
    }

    async fn try_hear(&self, event: Event) -> Result<(), bus::ConsumeError> {
        self.db
            .write(move |tx| consume(tx, noon(), &Envelope::new("other", noon(), event), EXTENSION))
            .await
    }

    async fn hear(&self, event: Event) {
        self.try_hear(event).await.unwrap();
    }

    async fn order(&self, quantity: u32) -> Result<OrderId, PlaceOrderError> {
        let wish = PlaceOrder {
            buyer_id: UserId::new(noon()),
            ticket_id: self.ticket.id,
            quantity,
            window: WINDOW,
        };
        self.db
            .write(move |tx| place_order(tx, noon(), wish))
            .await
            .map(|order| order.id)
    }

    /// quantity, held, sold
    async fn stock(&self) -> (u32, u32, u32) {
        let read = |conn: &rusqlite::Connection| -> Result<_, db::Error> {
            Ok(conn.query_row("SELECT quantity, held, sold FROM listing", [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?)
        };
        self.db.read(read).await.unwrap()
    }

    async fn status(&self, id: OrderId) -> String {
        let read = move |conn: &rusqlite::Connection| -> Result<String, db::Error> {
            Ok(conn.query_row(r#"SELECT status FROM "order" WHERE id = ?"#, [id], |row| row.get(0))?)
        };
        self.db.read(read).await.unwrap()
    }

    async fn expect_sound(self) {
        self.db.close().await;
        let findings = db::admin::check(&self.folder.path().join("order.db"), &SCHEMA, Orders::INVARIANTS).unwrap();
        assert!(findings.is_empty(), "{findings:?}");
    }

    fn expiration(order_id: OrderId) -> Event {
        Event::ExpirationCompleted(Expiration {
            order_id,
            version: 1,
            deadline: noon() + WINDOW,
        })
    }

    fn payment(id: PaymentId, order_id: OrderId, status: PaymentStatus) -> Event {
        let amount = Money {
            amount: 1999,
            currency: "usd".parse().unwrap(),
        };
        let payment = Payment {
            id,
            version: 1,
            status,
            order_id,
            buyer_id: UserId::new(noon()),
            amount,
        };
        match status {
            PaymentStatus::Authorized => Event::PaymentAuthorized(payment),
            PaymentStatus::Captured => Event::PaymentCreated(payment),
            PaymentStatus::Failed => Event::PaymentFailed(payment),
            PaymentStatus::Pending => Event::PaymentPending(payment),
            PaymentStatus::Refunded => unreachable!("money that goes back has a test of its own"),
        }
    }
}

#[tokio::test]
async fn four_hundred_buyers_of_a_hundred_tickets_hold_exactly_a_hundred() {
    let world = World::with(100).await;
    let orders = futures_util::future::join_all((0..400).map(|_| world.order(1))).await;
    assert_eq!(orders.iter().filter(|order| order.is_ok()).count(), 100);
    assert!(
        orders
            .iter()
            .filter_map(|order| order.as_ref().err())
            .all(|error| error.to_string() == "no tickets are left")
    );
    assert_eq!(world.stock().await, (100, 100, 0));
    world.expect_sound().await;
}

#[tokio::test]
async fn a_shrink_below_what_is_taken_settles_at_what_is_taken() {
    let world = World::with(10).await;
    let mut orders = Vec::new();
    for _ in 0..7 {
        orders.push(world.order(1).await.unwrap());
    }
    let fewer = Ticket {
        version: 2,
        quantity: 5,
        ..world.ticket.clone()
    };
    world.hear(Event::TicketUpdated(fewer)).await;
    assert_eq!(
        world.stock().await,
        (7, 7, 0),
        "never oversold, and nobody loses a hold"
    );
    assert!(world.order(1).await.is_err());
    for id in &orders[..4] {
        world.hear(World::expiration(*id)).await;
    }
    assert_eq!(
        world.stock().await,
        (5, 3, 0),
        "what is released is not sold again beyond the seller's wish"
    );
    assert!(world.order(2).await.is_ok());
    assert!(world.order(1).await.is_err());
    world.expect_sound().await;
}

#[tokio::test]
async fn a_withdrawal_cancels_what_is_open_and_keeps_what_is_confirmed() {
    let world = World::with(10).await;
    let (open, confirmed) = (world.order(1).await.unwrap(), world.order(1).await.unwrap());
    let payment = PaymentId::new(noon());
    world
        .hear(World::payment(payment, confirmed, PaymentStatus::Authorized))
        .await;
    let withdrawn = Ticket {
        version: 2,
        withdrawn_at: Some(noon()),
        ..world.ticket.clone()
    };
    world.hear(Event::TicketUpdated(withdrawn)).await;
    assert_eq!(world.status(open).await, "cancelled");
    assert_eq!(world.status(confirmed).await, "awaiting:payment");
    assert_eq!(
        world.order(1).await.unwrap_err().to_string(),
        "the seller has withdrawn this listing"
    );
    world
        .hear(World::payment(payment, confirmed, PaymentStatus::Captured))
        .await;
    assert_eq!(world.stock().await, (10, 0, 1));
    world.expect_sound().await;
}

#[tokio::test]
async fn an_older_state_of_a_listing_does_not_undo_a_newer_one() {
    let world = World::with(10).await;
    let newer = Ticket {
        version: 3,
        quantity: 20,
        ..world.ticket.clone()
    };
    world.hear(Event::TicketUpdated(newer)).await;
    world
        .hear(Event::TicketUpdated(Ticket {
            version: 2,
            quantity: 1,
            ..world.ticket.clone()
        }))
        .await;
    assert_eq!(world.stock().await, (20, 0, 0));
    world.expect_sound().await;
}

#[tokio::test]
async fn money_for_a_cancelled_order_is_for_somebody_to_look_at() {
    let world = World::with(1).await;
    let id = world.order(1).await.unwrap();
    world.hear(World::expiration(id)).await;
    let late = World::payment(PaymentId::new(noon()), id, PaymentStatus::Captured);
    assert!(world.try_hear(late).await.is_err());
    world
        .hear(World::payment(PaymentId::new(noon()), id, PaymentStatus::Authorized))
        .await;
    assert_eq!(world.status(id).await, "cancelled");
    assert_eq!(world.stock().await, (1, 0, 0));
    world.expect_sound().await;
}

#[tokio::test]
async fn a_failure_that_overtakes_its_attempt_grants_no_extension() {
    let world = World::with(1).await;
    let (id, payment) = (world.order(1).await.unwrap(), PaymentId::new(noon()));
    for status in [PaymentStatus::Failed, PaymentStatus::Pending] {
        world.hear(World::payment(payment, id, status)).await;
    }
    world.hear(World::expiration(id)).await;
    assert_eq!(world.status(id).await, "cancelled");
    assert_eq!(world.stock().await, (1, 0, 0));
    world.expect_sound().await;
}

/// What others say about one order: all of it, in any order, any number of times.
fn history(order: OrderId, payment: PaymentId, expired: bool) -> Vec<Event> {
    let mut events = vec![
        World::payment(payment, order, PaymentStatus::Authorized),
        World::payment(PaymentId::new(noon()), order, PaymentStatus::Failed),
    ];
    if expired {
        events.push(World::expiration(order));
    } else {
        events.push(World::payment(payment, order, PaymentStatus::Captured));
    }
    events
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever comes in whatever order: the stock is right, and a captured payment always ends in a complete order.
    #[test]
    fn any_order_of_events_with_any_repetition_ends_well(
        expired in any::<bool>(),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
        shrink in 1..5_u32,
    ) {
        runtime().block_on(async move {
            let world = World::with(3).await;
            let (order, payment) = (world.order(1).await.unwrap(), PaymentId::new(noon()));
            let cancelled_by_buyer = world.order(2).await.unwrap();
            let mut events = history(order, payment, expired);
            events.push(Event::TicketUpdated(Ticket { version: 2, quantity: shrink, ..world.ticket.clone() }));
            events.push(World::expiration(cancelled_by_buyer));
            let buyer = world.db.read(move |conn| crate::store::order(conn, cancelled_by_buyer)).await.unwrap().unwrap().buyer_id;
            world.db.write(move |tx| cancel_order(tx, noon(), buyer, cancelled_by_buyer)).await.unwrap();
            // Any prefix of repetitions, then everything once: at least once each.
            let repeated: Vec<_> = picks.iter().map(|pick| pick.get(&events).clone()).collect();
            for event in repeated.into_iter().chain(events) {
                world.hear(event).await;
            }
            let status = world.status(order).await;
            prop_assert!(if expired { ["cancelled", "awaiting:payment"].contains(&status.as_str()) } else { status == "complete" }, "{}", status);
            prop_assert_eq!(world.status(cancelled_by_buyer).await, "cancelled");
            let (quantity, held, sold) = world.stock().await;
            prop_assert_eq!(quantity, shrink.max(held + sold));
            world.expect_sound().await;
            Ok::<_, TestCaseError>(())
        })?;
    }
}

mod refunds;
