//! Money that goes back, and the tickets with it, from end to end.

use serde_json::{Value, json};

use crate::{
    Client,
    person::Person,
    town::Town,
    wrongs::{charged_once, intents},
};

/// How much the Stripe simulator has given back of what was paid for an order, by refunds that succeeded.
async fn given_back(town: &Town, order: &str) -> i64 {
    let intent = intents(town.stripe_simulator(), order).await.remove(0);
    let path = format!("/v1/refunds?payment_intent={}", intent["id"].as_str().unwrap());
    let stripe = Client::new(town.double_url()).bearer("sk_test_ticketing");
    let refunds = stripe.get(&path).await.expect(200).json();
    let refunds = refunds["data"].as_array().unwrap().iter();
    refunds
        .filter(|refund| refund["status"] == "succeeded")
        .map(|refund| refund["amount"].as_i64().unwrap())
        .sum()
}

async fn asks(person: &Person, order: &str, body: Value) -> Value {
    let path = format!("/api/v1/orders/{order}/refunds");
    person.client().post(&path, body).await.expect(201).json()
}

async fn buys(town: &Town, ticket: &str, quantity: u32) -> (Person, String) {
    let buyer = town.user().await;
    let order = buyer.holds(ticket, quantity).await;
    buyer.buys(&order).await;
    (buyer, order)
}

#[tokio::test]
async fn what_is_refunded_is_on_the_card_and_on_sale_again() {
    let town = Town::shared();
    let ada = town.user().await;
    let ticket = ada.lists(json!({"quantity": 3})).await;
    let (bert, order) = buys(&town, &ticket, 3).await;
    let asked = asks(&bert, &order, json!({"quantity": 1})).await;
    assert_eq!(asked["status"], "requested");
    assert_eq!(given_back(&town, &order).await, 0, "the seller has not decided");

    let path = format!(
        "/api/v1/orders/{order}/refunds/{}/approve",
        asked["id"].as_str().unwrap()
    );
    let _ = ada.client().post(&path, json!({})).await.expect(200);
    let shown = bert.sees(&order, "partially_refunded").await;
    assert_eq!(shown["refundedAmount"], json!({"amount": 1999, "currency": "usd"}));
    assert_eq!(given_back(&town, &order).await, 1999);
    ada.counts(&ticket, 0, 2).await;
    let (_, again) = buys(&town, &ticket, 1).await;
    assert_eq!(charged_once(town.stripe_simulator(), &again).await, 1999);

    assert_eq!(asks(&ada, &order, json!({})).await["status"], "approved");
    bert.sees(&order, "refunded").await;
    assert_eq!(given_back(&town, &order).await, 5997);
    ada.counts(&ticket, 0, 1).await;
}

#[tokio::test]
async fn a_withdrawn_listing_gives_everybody_their_money_back_also_over_a_restart() {
    let mut town = Town::new();
    let ada = town.user().await;
    let ticket = ada.lists(json!({"quantity": 10})).await;
    let sales = [
        buys(&town, &ticket, 1).await,
        buys(&town, &ticket, 3).await,
        buys(&town, &ticket, 2).await,
    ];
    let (carl, open) = (town.user().await, ticket.clone());
    let open = carl.holds(&open, 1).await;
    let _ = ada.withdraws(&ticket).await.expect(204);
    town.restart();
    let url = town.url();
    for ((buyer, order), amount) in sales.iter().zip([1999, 5997, 3998]) {
        buyer.at(&url).sees(order, "refunded").await;
        assert_eq!(given_back(&town, order).await, amount);
    }
    carl.at(&url).sees(&open, "cancelled").await;
    let progress = [
        ("/orders", json!(3)),
        ("/refunded", json!(3)),
        ("/pending", json!(0)),
        ("/failed", json!(0)),
    ];
    ada.at(&url)
        .waits_for(&format!("/api/v1/orders/withdrawals/{ticket}"), &progress)
        .await;
}

#[tokio::test]
async fn a_disputed_order_is_frozen_until_the_bank_has_decided() {
    let town = Town::shared();
    let ada = town.user().await;
    let ticket = ada.lists(json!({"quantity": 1})).await;
    let (bert, order) = buys(&town, &ticket, 1).await;
    let path = format!("/api/v1/orders/{order}");
    let intent = intents(town.stripe_simulator(), &order).await.remove(0);
    let charge = intent["latest_charge"].as_str().unwrap();
    let dispute = town
        .stripe_simulator()
        .open_dispute(charge, "fraudulent", false)
        .await
        .unwrap();
    bert.waits_for(&path, &[("/disputed", json!(true))]).await;
    let refused = ada
        .client()
        .post(&format!("{path}/refunds"), json!({}))
        .await
        .expect(409);
    assert_eq!(refused.problem().0, "order-disputed");

    let dispute = dispute["id"].as_str().unwrap();
    town.stripe_simulator().decide_dispute(dispute, true).await.unwrap();
    bert.waits_for(&path, &[("/disputed", json!(false))]).await;
    assert_eq!(asks(&ada, &order, json!({})).await["status"], "approved");
    bert.sees(&order, "refunded").await;
    assert_eq!(given_back(&town, &order).await, 1999);
}
