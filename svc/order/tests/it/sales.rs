//! The sales of a listing, as its seller sees them.

use serde_json::json;

use crate::test_app::{TestApp, ids_of_all_pages, place_one};

#[tokio::test]
async fn a_seller_finds_the_paid_orders_of_a_listing() {
    let app = TestApp::new().await;
    let (ticket, other) = (app.create_listing(10).await, app.create_listing(10).await);
    let mut sold = Vec::new();
    for _ in 0..3 {
        sold.push(app.sell(&ticket, 1).await.path.rsplit('/').next().unwrap().to_owned());
    }
    sold.reverse();
    let _ = app.sell(&other, 1).await;
    let _ = place_one(&app.user(), ticket.id).await.expect(201);
    let seller = app.seller(&ticket);
    let list = format!("/api/v1/orders/sales?ticketId={}", ticket.id);
    let page = seller.get(&list).await.expect(200).json();
    let ids: Vec<_> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|order| order["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, sold, "the newest first, no unpaid ones");

    let first = seller.get(&format!("{list}&limit=2")).await.expect(200);
    let cursor = first.text_at("/nextCursor");
    let rest = seller
        .get(&format!("{list}&limit=2&cursor={cursor}"))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&rest["items"][0]["id"], &rest["nextCursor"]),
        (&json!(sold[2]), &json!(null))
    );
    let of_other = format!("/api/v1/orders/sales?ticketId={}&cursor={cursor}", other.id);
    let refused = app.seller(&other).get(&of_other).await.expect(400);
    assert_eq!(refused.problem().1, "cursor");
    let own = ids_of_all_pages(&seller, "/api/v1/orders", async || ()).await;
    assert!(own.is_empty(), "a sale is not an order of the seller");
}

#[tokio::test]
async fn only_the_seller_sees_the_sales_of_a_listing() {
    let app = TestApp::new().await;
    let ticket = app.create_listing(10).await;
    let sale = app.sell(&ticket, 1).await;
    let list = format!("/api/v1/orders/sales?ticketId={}", ticket.id);
    let _ = app.anonymous().get(&list).await.expect(401);
    for stranger in [app.user(), sale.buyer] {
        assert_eq!(stranger.get(&list).await.expect(404).problem().0, "not-found");
    }
    let seller = app.seller(&ticket);
    let refused = seller.get("/api/v1/orders/sales?ticketId=42").await.expect(400);
    assert_eq!(refused.problem().1, "ticketId");
    let all = seller.get("/api/v1/orders/sales").await.expect(200).json();
    assert_eq!(all["items"].as_array().unwrap().len(), 1);
    let none = app.user().get("/api/v1/orders/sales").await.expect(200).json();
    assert_eq!(none["items"], json!([]));
}
