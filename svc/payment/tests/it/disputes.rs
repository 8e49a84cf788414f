//! Disputes: money that a buyer's bank takes back or returns.

use events::{DisputeStatus, Event, Reversal};
use serde_json::json;
use testkit::eventually;
use values::PaymentId;

use crate::test_app::TestApp;

async fn send_latest(app: &TestApp, kind: &str) {
    let event = app.latest_stripe_event(kind).await;
    let _ = app.send_webhook(&event).await.expect(204);
}

/// Disputes the only charge; returns Stripe's id of the dispute.
async fn dispute(app: &TestApp, inquiry: bool) -> String {
    let charges = app.stripe().get("/v1/charges").await.expect(200).json();
    let charge = charges["data"][0]["id"].as_str().unwrap();
    let dispute = app.sim.open_dispute(charge, "fraudulent", inquiry).await.unwrap();
    dispute["id"].as_str().unwrap().to_owned()
}

async fn wait_for_dispute(app: &TestApp, payment: PaymentId, status: DisputeStatus) -> Reversal {
    let is = |reversal: &Reversal| {
        reversal.payment.id == payment && reversal.dispute.is_some_and(|dispute| dispute.status == status)
    };
    match app
        .env
        .wait_for_event(|event| matches!(event, Event::PaymentDisputed(reversal) if is(reversal)))
        .await
    {
        Event::PaymentDisputed(reversal) => reversal,
        other => panic!("{other:?}"),
    }
}

async fn balance(app: &TestApp, order: &events::Order) -> serde_json::Value {
    let balance = app.seller(order).get("/api/v1/payments/balance").await.expect(200);
    balance.json()["currencies"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispute_withdraws_the_money_and_returns_it_when_won() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let (order, payment) = app.complete_sale(&buyer, "tok_visa").await;
    let at_stripe = dispute(&app, false).await;
    // In the wrong order, and twice.
    for kind in [
        "charge.dispute.funds_withdrawn",
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
    ] {
        send_latest(&app, kind).await;
    }
    let reversal = wait_for_dispute(&app, payment, DisputeStatus::Open).await;
    assert_eq!(
        (reversal.dispute.unwrap().amount.amount, reversal.refunded_total.amount),
        (1999, 0)
    );
    let shown = app.wait_for_status(&buyer, payment, "captured").await;
    assert_eq!(
        shown["dispute"],
        json!({"status": "open", "amount": {"amount": 1999, "currency": "usd"}})
    );
    let books = balance(&app, &order).await;
    assert_eq!(
        (&books["disputed"], &books["net"], &books["fees"]),
        (&json!(1999), &json!(0), &json!(0))
    );

    // Meanwhile nothing can be refunded.
    let refund = app.approved_refund(&order, payment, 100);
    app.env.publish("order", Event::RefundApproved(refund.clone())).await;
    let (_, why) = app.wait_for_failed_refund(refund.id).await;
    assert_eq!(
        why,
        "The payment was disputed, so the buyer's bank has taken the money back."
    );

    app.sim.decide_dispute(&at_stripe, true).await.unwrap();
    send_latest(&app, "charge.dispute.closed").await;
    let won = wait_for_dispute(&app, payment, DisputeStatus::Won).await;
    assert!(won.payment.version > reversal.payment.version);
    app.wait_for_ledger().await;
    let books = balance(&app, &order).await;
    assert_eq!(
        (&books["disputed"], &books["net"], &books["fees"]),
        (&json!(0), &json!(1950), &json!(49))
    );
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_dispute_stays_in_the_ledger() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let (order, payment) = app.complete_sale(&buyer, "tok_visa").await;
    let at_stripe = dispute(&app, false).await;
    app.sim.decide_dispute(&at_stripe, false).await.unwrap();
    send_latest(&app, "charge.dispute.closed").await;
    wait_for_dispute(&app, payment, DisputeStatus::Lost).await;
    let shown = app.wait_for_status(&buyer, payment, "captured").await;
    assert_eq!(shown["dispute"]["status"], "lost");
    app.wait_for_ledger().await;
    assert_eq!(balance(&app, &order).await["net"], 0);
    // The platform pays Stripe's fee for a dispute.
    let conn = rusqlite::Connection::open(app.env.database::<payment::Payments>()).unwrap();
    let costs: i64 = conn
        .query_row("SELECT sum(costs) FROM ledger", [], |row| row.get(0))
        .unwrap();
    assert_eq!(costs, -(88 + 1500));
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inquiry_is_not_published_and_the_payment_can_be_refunded() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let (order, payment) = app.complete_sale(&buyer, "tok_visa").await;
    dispute(&app, true).await;
    send_latest(&app, "charge.dispute.created").await;
    app.wait_for_ledger().await;
    let shown = app.wait_for_status(&buyer, payment, "captured").await;
    assert_eq!(shown["dispute"], json!(null));
    app.refund(&order, payment, 1999).await;
    send_latest(&app, "charge.dispute.closed").await;
    app.wait_for_ledger().await;
    let is_dispute = |event: &Event| matches!(event, Event::PaymentDisputed(_));
    assert!(!app.env.published_events().iter().any(is_dispute));
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_is_disputed_at_once_is_recorded_by_its_event() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let (order, payment) = app.complete_sale(&buyer, "pm_card_createDispute").await;
    let kind = "charge.dispute.funds_withdrawn";
    eventually("the bank has withdrawn the money", || async {
        let list = app
            .stripe()
            .get(&format!("/v1/events?type={kind}"))
            .await
            .expect(200)
            .json();
        (!list["data"].as_array().unwrap().is_empty()).then_some(())
    })
    .await;
    send_latest(&app, kind).await;
    wait_for_dispute(&app, payment, DisputeStatus::Open).await;
    app.wait_for_ledger().await;
    assert_eq!(balance(&app, &order).await["disputed"], 1999);
    app.check_invariants();
}
