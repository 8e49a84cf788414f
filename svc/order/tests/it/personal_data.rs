//! The export of the personal data that this service stores.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::test_app::{TestApp, place_one};

const PATH: &str = "/api/v1/orders/personal-data";

#[tokio::test]
async fn a_user_reads_the_own_orders_refunds_and_entries_of_the_audit_log() {
    let app = TestApp::new().await;
    let ticket = app.create_listing(20).await;
    let seller = app.seller(&ticket);
    let sale = app.sell(&ticket, 5).await;
    for _ in 0..2 {
        let _ = place_one(&sale.buyer, ticket.id).await.expect(201);
    }
    for reason in ["I am ill.", "My friend is ill, too."] {
        let body = json!({"quantity": 1, "reason": reason});
        let _ = sale.request_refund(&sale.buyer, body).await.expect(201);
    }
    let by_seller = json!({"quantity": 1, "reason": "The balcony is closed."});
    let _ = sale.request_refund(&seller, by_seller).await.expect(201);

    let first = sale.buyer.get(PATH).await.expect(200).json();
    let newest = sale.buyer.get("/api/v1/orders").await.expect(200).json();
    assert_eq!(first["orders"], newest["items"], "an order is shown as elsewhere");
    for limit in [1, 2, 100] {
        let (buyer, list) = (&sale.buyer, async |list| sale.buyer.exported(PATH, list, limit).await);
        assert_eq!(list("orders").await.len(), 3, "{limit}");
        let refunds = list("refunds").await;
        let reasons: Vec<_> = refunds
            .iter()
            .map(|refund| refund["reason"].as_str().unwrap())
            .collect();
        assert_eq!(
            reasons,
            ["The balcony is closed.", "My friend is ill, too.", "I am ill."],
            "{limit}"
        );
        assert!(list("salesRefunds").await.is_empty());
        let requests = buyer.exported(PATH, "activity", limit).await;
        assert_eq!(requests.len(), 2, "{limit}");
        assert!(requests.iter().all(|entry| entry["action"] == "refund-request"));

        let of_seller = seller.exported(PATH, "salesRefunds", limit).await;
        assert_eq!(of_seller.len(), 1, "those that the buyer has requested are the buyer's");
        assert_eq!(of_seller[0]["reason"], "The balcony is closed.");
        assert!(seller.exported(PATH, "orders", limit).await.is_empty());
        assert!(seller.exported(PATH, "refunds", limit).await.is_empty());
    }
    app.close_and_check().await;
}

#[tokio::test]
async fn nobody_reads_the_personal_data_of_others() {
    let app = TestApp::new().await;
    let ticket = app.create_listing(10).await;
    let order = app.place(&ticket, 1).await;
    let _ = app.anonymous().get(PATH).await.expect(401);
    let cursor = order.buyer.get(PATH).await.expect(200).text_at("/nextCursor");
    let stranger = app.user();
    let refused = stranger.get(&format!("{PATH}?cursor={cursor}")).await.expect(400);
    assert_eq!(refused.problem().1, "cursor");
    for list in ["orders", "refunds", "salesRefunds", "activity"] {
        assert!(stranger.exported(PATH, list, 100).await.is_empty(), "{list}");
    }
}

#[tokio::test]
async fn a_position_that_a_client_has_written_shows_nothing_of_others() {
    let app = TestApp::new().await;
    let ticket = app.create_listing(10).await;
    let sale = app.sell(&ticket, 1).await;
    let body = json!({"quantity": 1, "reason": "I am ill."});
    let _ = sale.request_refund(&sale.buyer, body).await.expect(201);
    assert_eq!(sale.buyer.exported(PATH, "refunds", 100).await.len(), 1);

    let stranger = app.user();
    let own = stranger.get(PATH).await.expect(200).text_at("/nextCursor");
    let (scope, _): (String, Value) = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(own).unwrap()).unwrap();
    let last = "ffffffff-ffff-7fff-bfff-ffffffffffff";
    let position = json!([scope, {"Refunds": [sale.payment.order_id, last]}]);
    let forged = BASE64_URL_SAFE_NO_PAD.encode(position.to_string());
    let page = stranger
        .get(&format!("{PATH}?cursor={forged}"))
        .await
        .expect(200)
        .json();
    assert_eq!(page["refunds"], json!([]));
}
