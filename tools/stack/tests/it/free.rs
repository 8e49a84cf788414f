//! Tickets that cost nothing.

use serde_json::{Value, json};
use stripe_sim::{Fault, Target, Timing};

use crate::{person::Person, town::Town};

/// Takes tickets that are free, as soon as the payment service knows of the order: without a card.
async fn takes(buyer: &Person, ticket: &str, quantity: u32) -> String {
    let order = buyer.holds(ticket, quantity).await;
    let paid = buyer.pays_with(json!({"orderId": order})).await.expect(201);
    assert_eq!(paid.json()["amount"]["amount"], 0);
    buyer.sees(&order, "complete").await;
    order
}

async fn ledger(seller: &Person) -> Value {
    seller.client().get("/api/v1/payments/ledger").await.expect(200).json()
}

#[tokio::test]
async fn a_free_ticket_needs_no_stripe() {
    let town = Town::new();
    for path in ["/v1/*", "/v1/*/*", "/v1/*/*/*"] {
        let all = Target::request("*", path).times(u32::MAX);
        town.stripe_simulator().inject(all, Timing::Before, Fault::Cut);
    }
    let (ada, bert, cleo) = (town.user().await, town.user().await, town.user().await);
    let free = json!({"amount": 0, "currency": "usd"});
    let ticket = ada.lists(json!({"price": free, "quantity": 5})).await;
    let order = takes(&bert, &ticket, 3).await;
    let other = takes(&cleo, &ticket, 1).await;
    ada.counts(&ticket, 0, 4).await;

    // One goes back; of the rest, the seller's withdrawal.
    let back = json!({"quantity": 1});
    let path = format!("/api/v1/orders/{order}/refunds");
    assert_eq!(
        ada.client().post(&path, back).await.expect(201).json()["status"],
        "approved"
    );
    let shown = bert.sees(&order, "partially_refunded").await;
    assert_eq!(
        (&shown["refundedQuantity"], &shown["refundedAmount"]),
        (&json!(1), &Value::Null)
    );
    ada.counts(&ticket, 0, 3).await;
    let _ = ada.withdraws(&ticket).await.expect(204);
    bert.sees(&order, "refunded").await;
    cleo.sees(&other, "refunded").await;
    let progress = [("/orders", json!(2)), ("/refunded", json!(2)), ("/failed", json!(0))];
    ada.waits_for(&format!("/api/v1/orders/withdrawals/{ticket}"), &progress)
        .await;

    assert_eq!(ledger(&ada).await["items"], json!([]));
    assert_eq!(town.stripe_simulator().requests().await.unwrap(), []);
}

#[tokio::test]
async fn a_free_ticket_that_is_not_taken_in_time_is_on_offer_again() {
    let town = Town::shared();
    let (ada, bert) = (town.user().await, town.user().await);
    let free = json!({"price": {"amount": 0, "currency": "eur"}, "orderWindowSeconds": 10});
    let ticket = ada.lists(free).await;
    let order = bert.holds(&ticket, 1).await;
    assert_eq!(bert.sees(&order, "cancelled").await["cancelReason"], "expired");
    ada.counts(&ticket, 0, 0).await;
}
