//! What orders do to a ticket.

use events::OrderStatus::{AwaitingPayment, Cancelled, Complete, Created};
use serde_json::json;
use testkit::TestEnv;

use crate::{concert, etag, order, publish, sell, started, until};

#[tokio::test]
async fn a_reserved_ticket_keeps_its_title_and_price() {
    let kit = TestEnv::new().await;
    let tickets = started(&kit).await;
    let (_, seller) = kit.user(&tickets);
    let (path, created) = sell(&seller, concert(5)).await;
    let mut held = order(kit.now(), &created, 2);
    publish(&kit, &mut held, Created).await;
    let shown = until(&seller, &path, 2, 0).await;
    assert_eq!(
        (shown.text_at("/available"), shown.text_at("/version")),
        ("3".to_owned(), "1".to_owned())
    );
    assert_ne!(etag(&shown), etag(&created), "what is shown has changed");

    let dearer = json!({"amount": 2000, "currency": "usd"});
    for (field, value) in [("title", json!("Other")), ("price", dearer)] {
        let mut offer = concert(5);
        offer[field] = value;
        let refused = seller.put(&path, offer).await.expect(409);
        assert_eq!(refused.problem().0, "ticket-reserved");
        assert!(refused.text.contains("2 are held and 0 are sold"), "{}", refused.text);
    }
    let refused = seller.put(&path, concert(1)).await.expect(409);
    assert_eq!(
        refused.problem(),
        ("quantity-reserved".to_owned(), "quantity".to_owned())
    );
    // An order is no edit: what the seller saw before it came still counts.
    let shrunk = seller
        .clone()
        .with("if-match", etag(&created))
        .put(&path, concert(2))
        .await
        .expect(200);
    assert_eq!(
        (shrunk.text_at("/status"), shrunk.text_at("/available")),
        ("sold-out".to_owned(), "0".to_owned())
    );

    publish(&kit, &mut held, Cancelled).await;
    let free = until(&seller, &path, 0, 0).await;
    assert_eq!(
        (free.text_at("/status"), free.text_at("/available")),
        ("on-sale".to_owned(), "2".to_owned())
    );
    let mut offer = concert(5);
    offer["title"] = "Other".into();
    let _ = seller.put(&path, offer).await.expect(200);
    tickets.stop().await;
}

#[tokio::test]
async fn what_is_paid_is_sold() {
    let kit = TestEnv::new().await;
    let tickets = started(&kit).await;
    let (_, seller) = kit.user(&tickets);
    let (path, created) = sell(&seller, concert(3)).await;
    let mut paid = order(kit.now(), &created, 2);
    for (status, held, sold) in [(Created, 2, 0), (AwaitingPayment, 2, 0), (Complete, 0, 2)] {
        publish(&kit, &mut paid, status).await;
        let _ = until(&seller, &path, held, sold).await;
    }
    // More was sold than is wanted now: the order service decided that race, and the number follows.
    let mut racing = order(kit.now(), &created, 1);
    let _ = seller.put(&path, concert(2)).await.expect(200);
    publish(&kit, &mut racing, Created).await;
    let shown = until(&seller, &path, 1, 2).await;
    assert_eq!(
        (shown.text_at("/quantity"), shown.text_at("/available")),
        ("3".to_owned(), "0".to_owned())
    );
    tickets.stop().await;
}

#[tokio::test]
async fn an_order_of_a_ticket_that_is_unknown_here_is_kept() {
    let kit = TestEnv::new().await;
    let tickets = started(&kit).await;
    let (_, seller) = kit.user(&tickets);
    let (path, created) = sell(&seller, concert(3)).await;
    let mut lost = order(kit.now(), &created, 1);
    lost.ticket_id = values::TicketId::new(kit.now());
    publish(&kit, &mut lost, Created).await;
    let mut known = order(kit.now(), &created, 1);
    publish(&kit, &mut known, Created).await;
    // Messages of one queue are applied in order: the first has had its turn.
    let _ = until(&seller, &path, 1, 0).await;
    tickets.stop().await;
    let database = kit.database::<ticket::Ticket>();
    let db = db::Db::open(&database, &<ticket::Ticket as chassis::Service>::SCHEMA).unwrap();
    let held: i64 = db
        .read(move |conn| {
            let held = "SELECT held FROM stock WHERE ticket_id = ?1";
            Ok::<_, db::Error>(conn.query_row(held, [lost.ticket_id], |row| row.get(0))?)
        })
        .await
        .unwrap();
    assert_eq!(held, 1);
    db.close().await;
}
