//! The deletion of accounts: what prevents it, what is refused meanwhile, what is erased.

use events::{
    AccountStatus,
    ClosureObstacle::{OpenListings, OpenTransfers},
};
use serde_json::json;
use testkit::Method;

use crate::{check_ins::door, concert, sell, test_app::TestApp};

#[tokio::test]
async fn listings_on_sale_and_open_offers_prevent_a_deletion() {
    let mut app = TestApp::new().await;
    let (id, seller) = app.user();
    assert_eq!(app.env.request_deletion(id, 2).await, []);
    app.env.publish_account_status(id, 3, AccountStatus::Active).await;
    let (path, ticket) = testkit::eventually("the account is active", || async {
        let created = seller.post("/api/v1/tickets", concert(5)).await;
        (created.status == 201).then(|| (format!("/api/v1/tickets/{}", created.text_at("/id")), created))
    })
    .await;
    assert_eq!(app.env.request_deletion(id, 4).await, [OpenListings]);
    let (order, admissions) = app.complete_order(&ticket, 1).await;
    let (buyer, admission) = (app.client_of(order.buyer_id), admissions[0]["id"].as_str().unwrap());
    let offer = format!("/api/v1/admissions/{admission}/transfer");
    let _ = buyer
        .post(&offer, json!({"email": "grace@example.com"}))
        .await
        .expect(201);
    assert_eq!(app.env.request_deletion(order.buyer_id, 2).await, [OpenTransfers]);
    let _ = buyer.send(Method::DELETE, &offer, None).await.expect(204);
    assert_eq!(app.env.request_deletion(order.buyer_id, 4).await, []);

    // A refund of all sales would be money that nobody has counted.
    let refused = seller.send(Method::DELETE, &path, None).await.expect(409);
    assert_eq!(refused.problem().0, "account-closing");
    app.env.publish_account_status(id, 5, AccountStatus::Active).await;
    testkit::eventually("the account is active", || async {
        (seller.send(Method::DELETE, &path, None).await.status == 204).then_some(())
    })
    .await;
    assert_eq!(app.env.request_deletion(id, 6).await, []);
    app.stop().await;
}

#[tokio::test]
async fn a_closing_account_neither_sells_nor_gives_nor_takes() {
    let mut app = TestApp::new().await;
    let (id, seller) = app.user();
    let (path, ticket) = sell(&seller, concert(5)).await;
    let (order, admissions) = app.complete_order(&ticket, 1).await;
    let buyer = app.client_of(order.buyer_id);
    let offer = format!("/api/v1/admissions/{}/transfer", admissions[0]["id"].as_str().unwrap());
    app.env.request_deletion(id, 2).await;
    app.env.request_deletion(order.buyer_id, 2).await;
    for refused in [
        seller.post("/api/v1/tickets", concert(5)).await,
        seller.put(&path, concert(6)).await,
        buyer.post(&offer, json!({"email": "grace@example.com"})).await,
    ] {
        assert_eq!(refused.expect(409).problem().0, "account-closing");
    }
    app.stop().await;
}

#[tokio::test]
async fn the_doors_of_a_deleted_seller_are_closed_and_their_names_erased() {
    let mut app = TestApp::new().await;
    let (id, seller) = app.user();
    let (path, _) = sell(&seller, concert(5)).await;
    let (_, door) = door(&app, &seller, &path, "Gate of Anna").await;
    let counts = format!("{path}/check-ins");
    let _ = door.get(&counts).await.expect(200);
    app.env.publish_account_status(id, 3, AccountStatus::Deleted).await;
    testkit::eventually("the door is revoked", || async {
        (door.get(&counts).await.status != 200).then_some(())
    })
    .await;
    app.stop().await;
    let stored = std::fs::read(app.env.database::<ticket::Ticket>()).unwrap();
    assert!(
        !stored.windows(12).any(|window| window == b"Gate of Anna"),
        "erased for good"
    );
}
