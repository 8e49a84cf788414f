//! What orders do to a ticket.

use events::OrderStatus::{AwaitingPayment, Cancelled, Complete, Created};
use serde_json::json;

use crate::{concert, etag, sell, test_app::TestApp};

#[tokio::test]
async fn a_reserved_ticket_keeps_its_title_and_price() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (path, created) = sell(&seller, concert(5)).await;
    let mut held = app.order(&created, 2);
    app.publish_order(&mut held, Created).await;
    let shown = app.wait_for_stock(&path, 2, 0).await;
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
        assert!(refused.text.contains("Held: 2, sold: 0."), "{}", refused.text);
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

    app.publish_order(&mut held, Cancelled).await;
    let free = app.wait_for_stock(&path, 0, 0).await;
    assert_eq!(
        (free.text_at("/status"), free.text_at("/available")),
        ("on-sale".to_owned(), "2".to_owned())
    );
    let mut offer = concert(5);
    offer["title"] = "Other".into();
    let _ = seller.put(&path, offer).await.expect(200);
    app.stop().await;
}

#[tokio::test]
async fn a_paid_ticket_is_sold() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (path, created) = sell(&seller, concert(3)).await;
    let mut paid = app.order(&created, 2);
    for (status, held, sold) in [(Created, 2, 0), (AwaitingPayment, 2, 0), (Complete, 0, 2)] {
        app.publish_order(&mut paid, status).await;
        let _ = app.wait_for_stock(&path, held, sold).await;
    }
    // More was sold than is wanted now: the order service decided that race, and the number follows.
    let mut racing = app.order(&created, 1);
    let _ = seller.put(&path, concert(2)).await.expect(200);
    app.publish_order(&mut racing, Created).await;
    let shown = app.wait_for_stock(&path, 1, 2).await;
    assert_eq!(
        (shown.text_at("/quantity"), shown.text_at("/available")),
        ("3".to_owned(), "0".to_owned())
    );
    app.stop().await;
}

#[tokio::test]
async fn an_order_of_an_unknown_ticket_is_stored() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (path, created) = sell(&seller, concert(3)).await;
    let mut lost = app.order(&created, 1);
    lost.ticket_id = values::TicketId::new(app.env.now());
    app.publish_order(&mut lost, Created).await;
    let mut known = app.order(&created, 1);
    app.publish_order(&mut known, Created).await;
    // Messages of one queue are applied in order.
    let _ = app.wait_for_stock(&path, 1, 0).await;
    app.stop().await;
    let database = app.env.database::<ticket::Ticket>();
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
