//! Listings with the price 0.

use serde_json::{Value, json};
use stripe_sim::{Fault, Target, Timing};

use crate::{test_app::TestApp, user::User};

/// Orders free tickets, completes the order without a card, and returns its id.
async fn take_free_tickets(buyer: &User, ticket: &str, quantity: u32) -> String {
    let order = buyer.hold_tickets(ticket, quantity).await;
    let payment = buyer.pay_with(json!({"orderId": order})).await.expect(201);
    assert_eq!(payment.json()["amount"]["amount"], 0);
    buyer.wait_for_status(&order, "complete").await;
    order
}

async fn ledger(seller: &User) -> Value {
    seller.client().get("/api/v1/payments/ledger").await.expect(200).json()
}

#[tokio::test]
async fn a_free_ticket_causes_no_request_to_stripe() {
    let app = TestApp::new();
    for path in ["/v1/*", "/v1/*/*", "/v1/*/*/*"] {
        let every_request = Target::request("*", path).times(u32::MAX);
        app.stripe_simulator().inject(every_request, Timing::Before, Fault::Cut);
    }
    let (seller, buyer, other_buyer) = (app.user().await, app.user().await, app.user().await);
    let free = json!({"amount": 0, "currency": "usd"});
    let ticket = seller.list_ticket(json!({"price": free, "quantity": 5})).await;
    let order = take_free_tickets(&buyer, &ticket, 3).await;
    let other_order = take_free_tickets(&other_buyer, &ticket, 1).await;
    seller.wait_for_stock(&ticket, 0, 4).await;

    // One ticket is refunded by the seller, the others by the withdrawal of the listing.
    let refund = json!({"quantity": 1});
    let path = format!("/api/v1/orders/{order}/refunds");
    assert_eq!(
        seller.client().post(&path, refund).await.expect(201).json()["status"],
        "approved"
    );
    let shown = buyer.wait_for_status(&order, "partially_refunded").await;
    assert_eq!(
        (&shown["refundedQuantity"], &shown["refundedAmount"]),
        (&json!(1), &Value::Null)
    );
    seller.wait_for_stock(&ticket, 0, 3).await;
    let _ = seller.withdraw_ticket(&ticket).await.expect(204);
    buyer.wait_for_status(&order, "refunded").await;
    other_buyer.wait_for_status(&other_order, "refunded").await;
    let progress = [("/orders", json!(2)), ("/refunded", json!(2)), ("/failed", json!(0))];
    seller
        .wait_for(&format!("/api/v1/orders/withdrawals/{ticket}"), &progress)
        .await;

    assert_eq!(ledger(&seller).await["items"], json!([]));
    assert_eq!(app.stripe_simulator().requests().await.unwrap(), []);
}

#[tokio::test]
async fn a_free_order_that_expires_returns_its_tickets() {
    let app = TestApp::shared();
    let (seller, buyer) = (app.user().await, app.user().await);
    let free = json!({"price": {"amount": 0, "currency": "eur"}, "orderWindowSeconds": 10});
    let ticket = seller.list_ticket(free).await;
    let order = buyer.hold_tickets(&ticket, 1).await;
    assert_eq!(
        buyer.wait_for_status(&order, "cancelled").await["cancelReason"],
        "expired"
    );
    seller.wait_for_stock(&ticket, 0, 0).await;
}
