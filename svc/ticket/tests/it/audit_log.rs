//! The audit log of the service.

use audit::Record;
use serde_json::json;
use ticket::Ticket;

use crate::{concert, sell, test_app::TestApp};

fn rows(log: &[Record], action: &str) -> Vec<(Option<String>, Option<String>, String, u32)> {
    let rows = log.iter().filter(|record| record.action == action);
    rows.map(|record| {
        (
            record.actor.clone(),
            record.subject.clone(),
            record.result.clone(),
            record.count,
        )
    })
    .collect()
}

#[tokio::test]
async fn changed_prices_and_withdrawals_are_recorded_with_their_seller_and_network() {
    let mut app = TestApp::new().await;
    let (seller_id, seller) = app.user();
    let (path, created) = sell(&seller, concert(5)).await;
    let mut offer = concert(5);
    offer["description"] = json!("No change of the price.");
    let _ = seller.put(&path, offer.clone()).await.expect(200);
    offer["price"]["amount"] = json!(2500);
    for _ in 0..2 {
        let _ = seller.put(&path, offer.clone()).await.expect(200);
    }
    for _ in 0..2 {
        let _ = seller.delete(&path).await.expect(204);
    }
    app.stop().await;
    let log = app.env.audit_log::<Ticket>();
    let (seller_id, id) = (Some(seller_id.to_string()), Some(created.text_at("/id")));
    for action in ["price-change", "ticket-withdraw"] {
        assert_eq!(
            rows(&log, action),
            [(seller_id.clone(), id.clone(), "ok".to_owned(), 1)],
            "{action}"
        );
    }
    assert!(
        log.iter()
            .all(|record| record.network.as_deref() == Some("127.0.0.1/32"))
    );
}

#[tokio::test]
async fn prices_that_are_changed_again_and_again_do_not_fill_the_log() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (path, _) = sell(&seller, concert(5)).await;
    for price in 2000..2030 {
        let mut offer = concert(5);
        offer["price"]["amount"] = json!(price);
        let _ = seller.put(&path, offer).await.expect(200);
    }
    app.stop().await;
    let changes = rows(&app.env.audit_log::<Ticket>(), "price-change");
    assert!(
        changes.len() <= 22,
        "20 rows, and a count for one or two hours: {changes:?}"
    );
    assert_eq!(changes.iter().map(|(.., count)| count).sum::<u32>(), 30);
}

#[tokio::test]
async fn denials_of_users_are_recorded_and_other_refusals_are_not() {
    let mut app = TestApp::new().await;
    let ((_, seller), (other_id, other)) = (app.user(), app.user());
    let (path, _) = sell(&seller, concert(5)).await;
    for _ in 0..3 {
        let _ = other.put(&path, concert(1)).await.expect(403);
    }
    let _ = other.delete(&path).await.expect(403);
    let _ = app.client().delete(&path).await.expect(401);
    let _ = other
        .delete("/api/v1/tickets/01936f5e-8c1a-7c3e-9d2b-4f6a8b0c2d4e")
        .await
        .expect(404);
    app.stop().await;
    let mut denied = rows(&app.env.audit_log::<Ticket>(), "denied");
    denied.sort();
    let denial = |method: &str, count| {
        let (actor, subject) = (other_id.to_string(), format!("{method} {path}"));
        (Some(actor), Some(subject), "not-yours".to_owned(), count)
    };
    assert_eq!(denied, [denial("DELETE", 1), denial("PUT", 3)]);
}
