//! Disputes: what a buyer's bank takes back, and gives again.

use events::{DisputeStatus, Event, Reversal};
use serde_json::json;
use testkit::eventually;
use values::PaymentId;

use crate::till::Till;

async fn tell(till: &Till, kind: &str) {
    let event = till.event(kind).await;
    let _ = till.tell(&event).await.expect(204);
}

/// Stripe's dispute of the only charge that there is.
async fn dispute(till: &Till, inquiry: bool) -> String {
    let charges = till.stripe().get("/v1/charges").await.expect(200).json();
    let charge = charges["data"][0]["id"].as_str().unwrap();
    let dispute = till.sim.open_dispute(charge, "fraudulent", inquiry).await.unwrap();
    dispute["id"].as_str().unwrap().to_owned()
}

async fn disputed(till: &Till, payment: PaymentId, status: DisputeStatus) -> Reversal {
    let is =
        |said: &Reversal| said.payment.id == payment && said.dispute.is_some_and(|dispute| dispute.status == status);
    match till
        .kit
        .wait_for_event(|event| matches!(event, Event::PaymentDisputed(said) if is(said)))
        .await
    {
        Event::PaymentDisputed(said) => said,
        other => panic!("{other:?}"),
    }
}

async fn balance(till: &Till, order: &events::Order) -> serde_json::Value {
    let balance = till.seller(order).get("/api/v1/payments/balance").await.expect(200);
    balance.json()["currencies"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispute_takes_the_money_away_and_when_it_is_won_gives_it_again() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let (order, payment) = till.sale(&buyer, "tok_visa").await;
    let at_stripe = dispute(&till, false).await;
    // In the wrong order, and twice.
    for kind in [
        "charge.dispute.funds_withdrawn",
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
    ] {
        tell(&till, kind).await;
    }
    let said = disputed(&till, payment, DisputeStatus::Open).await;
    assert_eq!(
        (said.dispute.unwrap().amount.amount, said.refunded_total.amount),
        (1999, 0)
    );
    let shown = till.settled(&buyer, payment, "captured").await;
    assert_eq!(
        shown["dispute"],
        json!({"status": "open", "amount": {"amount": 1999, "currency": "usd"}})
    );
    let books = balance(&till, &order).await;
    assert_eq!(
        (&books["disputed"], &books["net"], &books["fees"]),
        (&json!(1999), &json!(0), &json!(0))
    );

    // Meanwhile nothing can be refunded.
    let refund = till.approved(&order, payment, 100);
    till.kit.publish("order", Event::RefundApproved(refund.clone())).await;
    let (_, why) = till.refund_failed(refund.id).await;
    assert_eq!(why, "The buyer's bank has taken the payment back.");

    till.sim.decide_dispute(&at_stripe, true).await.unwrap();
    tell(&till, "charge.dispute.closed").await;
    let won = disputed(&till, payment, DisputeStatus::Won).await;
    assert!(won.payment.version > said.payment.version);
    till.books_are_whole().await;
    let books = balance(&till, &order).await;
    assert_eq!(
        (&books["disputed"], &books["net"], &books["fees"]),
        (&json!(0), &json!(1950), &json!(49))
    );
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispute_that_is_lost_stays_in_the_books() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let (order, payment) = till.sale(&buyer, "tok_visa").await;
    let at_stripe = dispute(&till, false).await;
    till.sim.decide_dispute(&at_stripe, false).await.unwrap();
    tell(&till, "charge.dispute.closed").await;
    disputed(&till, payment, DisputeStatus::Lost).await;
    let shown = till.settled(&buyer, payment, "captured").await;
    assert_eq!(shown["dispute"]["status"], "lost");
    till.books_are_whole().await;
    assert_eq!(balance(&till, &order).await["net"], 0);
    // What Stripe takes for a dispute is the platform's to bear.
    let conn = rusqlite::Connection::open(till.kit.database::<payment::Payments>()).unwrap();
    let costs: i64 = conn
        .query_row("SELECT sum(costs) FROM ledger", [], |row| row.get(0))
        .unwrap();
    assert_eq!(costs, -(88 + 1500));
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_bank_that_only_asks_nobody_is_told_and_it_can_be_refunded() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let (order, payment) = till.sale(&buyer, "tok_visa").await;
    dispute(&till, true).await;
    tell(&till, "charge.dispute.created").await;
    till.books_are_whole().await;
    let shown = till.settled(&buyer, payment, "captured").await;
    assert_eq!(shown["dispute"], json!(null));
    till.refund(&order, payment, 1999).await;
    tell(&till, "charge.dispute.closed").await;
    till.books_are_whole().await;
    let told = |event: &Event| matches!(event, Event::PaymentDisputed(_));
    assert!(!till.kit.published_events().iter().any(told));
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_is_disputed_at_once_is_heard_of_without_asking() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let (order, payment) = till.sale(&buyer, "pm_card_createDispute").await;
    let kind = "charge.dispute.funds_withdrawn";
    eventually("the bank has taken it back", || async {
        let list = till
            .stripe()
            .get(&format!("/v1/events?type={kind}"))
            .await
            .expect(200)
            .json();
        (!list["data"].as_array().unwrap().is_empty()).then_some(())
    })
    .await;
    tell(&till, kind).await;
    disputed(&till, payment, DisputeStatus::Open).await;
    till.books_are_whole().await;
    assert_eq!(balance(&till, &order).await["disputed"], 1999);
    till.check();
}
