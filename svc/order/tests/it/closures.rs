//! The deletion of accounts: what prevents it, what is refused meanwhile, what is erased.

use events::{
    AccountStatus,
    ClosureObstacle::{OpenListings, OpenOrders, OpenRefunds},
    Event, Ticket, examples,
};
use serde_json::json;
use testkit::eventually;
use values::Timestamp;

use crate::test_app::{TestApp, place_one};

/// Publishes that the event of a listing began more than a day ago.
async fn begin(app: &TestApp, ticket: &mut Ticket) {
    ticket.version += 1;
    ticket.starts_at = Some(Timestamp::from_millis(app.env.now().millis() - 25 * 3_600_000));
    app.publish_listing(ticket).await;
}

#[tokio::test]
async fn open_orders_listings_and_refunds_prevent_the_deletion_of_both_parties() {
    let app = TestApp::new().await;
    let mut ticket = app.create_listing(10).await;
    let seller = app.seller(&ticket);
    let order = app.place(&ticket, 1).await;
    assert_eq!(app.env.request_deletion(order.buyer_id, 2).await, [OpenOrders]);
    assert_eq!(
        app.env.request_deletion(ticket.seller_id, 2).await,
        [OpenOrders, OpenListings]
    );
    app.env
        .publish_account_status(ticket.seller_id, 3, AccountStatus::Active)
        .await;
    let _ = order.buyer.delete(&order.path).await.expect(204);
    assert_eq!(app.env.request_deletion(order.buyer_id, 4).await, []);

    let sale = app.sell(&ticket, 2).await;
    let buyer = sale.payment.buyer_id;
    assert_eq!(
        app.env.request_deletion(buyer, 2).await,
        [],
        "a paid order is no obstacle"
    );
    app.env.publish_account_status(buyer, 3, AccountStatus::Active).await;
    assert_eq!(app.env.request_deletion(ticket.seller_id, 4).await, [OpenListings]);
    app.env
        .publish_account_status(ticket.seller_id, 5, AccountStatus::Active)
        .await;
    begin(&app, &mut ticket).await;
    let refund = json!({"quantity": 1, "reason": "My friend Grace is ill."});
    let requested = eventually("the event is over, the account is active", || async {
        let requested = sale.request_refund(&sale.buyer, refund.clone()).await;
        (requested.status == 201).then_some(requested)
    })
    .await;
    for (user, version) in [(buyer, 4), (ticket.seller_id, 6)] {
        assert_eq!(app.env.request_deletion(user, version).await, [OpenRefunds]);
        app.env
            .publish_account_status(user, version + 1, AccountStatus::Active)
            .await;
    }
    let declined = sale.decide(&seller, &requested.text_at("/id"), "decline").await;
    let _ = declined.expect(200);
    for (user, version) in [(buyer, 6), (ticket.seller_id, 8)] {
        assert_eq!(app.env.request_deletion(user, version).await, []);
    }
    app.close_and_check().await;
}

#[tokio::test]
async fn a_refund_that_was_guaranteed_with_the_order_prevents_the_deletion_of_the_seller() {
    let app = TestApp::new().await;
    let mut ticket = examples::ticket(app.env.now());
    ticket.refund_terms.refundable_until = Some(Timestamp::from_millis(app.env.now().millis() + 3_600_000));
    app.publish_listing(&ticket).await;
    let sale = app.sell(&ticket, 2).await;
    ticket.refund_terms.refundable_until = None;
    begin(&app, &mut ticket).await;
    assert_eq!(app.env.request_deletion(ticket.seller_id, 2).await, [OpenListings]);

    let requested = sale.request_refund(&sale.buyer, json!({})).await.expect(201);
    assert_eq!(requested.text_at("/status"), "approved");
    let refund = app
        .wait_for_approved(|refund| refund.order_id == sale.payment.order_id)
        .await;
    app.publish_outcome(&sale, &refund, 5, None).await;
    let _ = sale.wait_for_status("refunded").await;
    assert_eq!(app.env.request_deletion(ticket.seller_id, 3).await, []);
    app.close_and_check().await;
}

#[tokio::test]
async fn nothing_new_is_accepted_of_a_closing_account_until_it_is_active_again() {
    let app = TestApp::new().await;
    let mut ticket = app.create_listing(10).await;
    let sale = app.sell(&ticket, 2).await;
    let buyer = sale.payment.buyer_id;
    assert_eq!(app.env.request_deletion(buyer, 2).await, []);
    let refused = place_one(&sale.buyer, ticket.id).await.expect(409);
    assert_eq!(refused.problem().0, "account-closing");
    let refused = sale.request_refund(&sale.buyer, json!({})).await.expect(409);
    assert_eq!(refused.problem().0, "account-closing");
    // An earlier state that is late changes nothing.
    app.env.publish_account_status(buyer, 1, AccountStatus::Active).await;
    // The same request again is decided again: the first decision may be lost.
    assert_eq!(app.env.request_deletion(buyer, 2).await, []);
    assert_eq!(
        place_one(&sale.buyer, ticket.id).await.expect(409).problem().0,
        "account-closing"
    );

    app.env.publish_account_status(buyer, 3, AccountStatus::Active).await;
    let order = eventually("the account is active", || async {
        let placed = place_one(&sale.buyer, ticket.id).await;
        (placed.status == 201).then_some(placed)
    })
    .await;
    assert_eq!(app.env.request_deletion(buyer, 4).await, [OpenOrders]);
    let path = format!("/api/v1/orders/{}", order.text_at("/id"));
    let _ = sale.buyer.delete(&path).await.expect(204);

    // Nobody decides about a refund of a seller who has left.
    begin(&app, &mut ticket).await;
    app.env.publish_account_status(buyer, 5, AccountStatus::Active).await;
    assert_eq!(app.env.request_deletion(ticket.seller_id, 2).await, []);
    let refused = sale.request_refund(&sale.buyer, json!({})).await.expect(409);
    assert_eq!(refused.problem().0, "seller-closing");
    app.close_and_check().await;
}

#[tokio::test]
async fn the_reasons_of_a_deleted_user_are_erased() {
    let app = TestApp::new().await;
    let ticket = app.create_listing(10).await;
    let (ours, others) = (app.sell(&ticket, 1).await, app.sell(&ticket, 1).await);
    let seller = app.seller(&ticket);
    for sale in [&ours, &others] {
        let body = json!({"reason": "My friend Grace is ill."});
        let id = sale.request_refund(&sale.buyer, body).await.expect(201).text_at("/id");
        let _ = sale.decide(&seller, &id, "decline").await.expect(200);
    }
    app.env
        .publish_account_status(ours.payment.buyer_id, 3, AccountStatus::Deleted)
        .await;
    eventually("the reason is erased", || async {
        let refunds = seller.get(&format!("{}/refunds", ours.path)).await.expect(200).json();
        refunds["items"][0].get("reason").is_none().then_some(())
    })
    .await;
    let refunds = seller.get(&format!("{}/refunds", others.path)).await.expect(200).json();
    assert_eq!(refunds["items"][0]["reason"], "My friend Grace is ill.");
    let later = place_one(&ours.buyer, ticket.id).await.expect(409);
    assert_eq!(later.problem().0, "account-closing");
    let reopened = |event: &Event| event.as_order_closure().is_some();
    assert!(
        !app.env.published_events().iter().any(reopened),
        "a deletion is not decided"
    );
    app.close_and_check().await;
}
