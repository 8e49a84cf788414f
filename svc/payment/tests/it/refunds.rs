//! Refunds: paid once, whatever is lost, repeated or late.

use events::{CancelReason, Event, PaymentStatus};
use payment::Payments;
use poem::http::Method;
use serde_json::json;
use stripe_sim::{Fault, Target, Timing};
use testkit::eventually;
use values::{PaymentId, RefundId};

use crate::test_app::{REFUND, TestApp};

/// Sends the newest Stripe event of a type to the webhook.
async fn send_latest(app: &TestApp, kind: &str) {
    let event = app.latest_stripe_event(kind).await;
    let _ = app.send_webhook(&event).await.expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn partial_refunds_are_paid_until_nothing_is_left() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let (order, payment) = app.complete_sale(&buyer, "tok_visa").await;
    let first = app.refund(&order, payment, 1000).await;
    let reversal = app.wait_for_refund(first).await;
    assert_eq!(
        (reversal.refunded_total.amount, reversal.payment.status),
        (1000, PaymentStatus::Captured)
    );
    let second = app.refund(&order, payment, 999).await;
    let all = app.wait_for_refund(second).await;
    assert_eq!(
        (all.refunded_total.amount, all.payment.status),
        (1999, PaymentStatus::Refunded)
    );
    assert!(all.payment.version > reversal.payment.version);

    let more = app.approved_refund(&order, payment, 1);
    app.env.publish("order", Event::RefundApproved(more.clone())).await;
    let (still, why) = app.wait_for_failed_refund(more.id).await;
    assert_eq!(
        (still.refunded_total.amount, why.as_str()),
        (1999, "The refund exceeds the amount that remains of the payment.")
    );
    assert_eq!(app.executed_posts(REFUND).await, 2, "Stripe is not called");
    let shown = app.wait_for_status(&buyer, payment, "captured").await;
    assert_eq!(shown["refunded"], json!({"amount": 1999, "currency": "usd"}));
    let metadata = &app.refunds_at_stripe().await[0]["metadata"];
    assert_eq!(
        (metadata["refund_id"].clone(), metadata["payment_id"].clone()),
        (json!(first), json!(payment))
    );
    app.wait_for_ledger().await;
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_approved_twice_or_before_the_order_is_complete_is_paid_once() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let mut order = app.create_order(&buyer).await;
    let payment = app.authorize(&buyer, &order).await;
    let refund = app.approved_refund(&order, payment, 700);
    // Before the capture: the refund waits.
    app.env.publish("order", Event::RefundApproved(refund.clone())).await;
    app.env.publish("order", Event::RefundApproved(refund.clone())).await;
    app.confirm_order(&mut order, payment).await;
    app.wait_for_refund(refund.id).await;
    app.env.publish("order", Event::RefundApproved(refund.clone())).await;
    app.complete_order(&mut order).await;
    let second = app.refund(&order, payment, 300).await;
    let all = app.wait_for_refund(second).await;
    assert_eq!(all.refunded_total.amount, 1000);
    assert_eq!(
        (app.executed_posts(REFUND).await, app.refunds_at_stripe().await.len()),
        (2, 2)
    );
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_of_an_uncaptured_payment_fails_and_of_a_free_order_succeeds_at_once() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let mut ended = app.create_order(&buyer).await;
    let voided = app.authorize(&buyer, &ended).await;
    app.cancel_order(&mut ended, CancelReason::User).await;
    app.wait_for_status(&buyer, voided, "voided").await;
    let refund = app.approved_refund(&ended, voided, 1999);
    app.env.publish("order", Event::RefundApproved(refund.clone())).await;
    let (_, why) = app.wait_for_failed_refund(refund.id).await;
    assert_eq!(why, "The payment was not captured, so there is nothing to refund.");

    let mut free = app.create_order_of(&buyer, 0).await;
    let nothing = app.authorize(&buyer, &free).await;
    app.confirm_order(&mut free, nothing).await;
    app.wait_for_status(&buyer, nothing, "captured").await;
    app.complete_order(&mut free).await;
    let refund = app.refund(&free, nothing, 0).await;
    let reversal = app.wait_for_refund(refund).await;
    assert_eq!(
        (reversal.refunded_total.amount, reversal.payment.status),
        (0, PaymentStatus::Refunded)
    );
    assert_eq!(app.executed_posts(REFUND).await, 0);
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_response_or_a_crash_after_the_refund_refunds_once() {
    let mut app = TestApp::new().await;
    let buyer = app.buyer();
    let (order, payment) = app.complete_sale(&buyer, "tok_visa").await;
    app.sim.inject(Target::post(REFUND), Timing::After, Fault::Cut);
    app.refund(&order, payment, 500).await;

    let held = app.sim.hold(Target::post(REFUND), Timing::After);
    let refund = app.approved_refund(&order, payment, 400);
    app.env.publish("order", Event::RefundApproved(refund.clone())).await;
    held.wait_for_request().await;
    app.stop().await;
    held.cut();
    app.start().await;
    app.wait_for_refund(refund.id).await;

    app.sim.inject(Target::post(REFUND), Timing::Before, Fault::Answer(500));
    app.sim.inject(Target::get(REFUND), Timing::Before, Fault::Answer(429));
    app.refund(&order, payment, 300).await;
    let given: Vec<_> = app
        .refunds_at_stripe()
        .await
        .iter()
        .map(|refund| refund["amount"].as_i64().unwrap())
        .collect();
    assert_eq!(given, [500, 400, 300]);
    app.wait_for_ledger().await;
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_with_a_permanent_server_error_is_replaced() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let (order, payment) = app.complete_sale(&buyer, "tok_visa").await;
    app.sim.inject(Target::post(REFUND), Timing::Before, Fault::Fail(500));
    let refund = app.approved_refund(&order, payment, 500);
    app.env.publish("order", Event::RefundApproved(refund.clone())).await;
    app.wait_for_refund(refund.id).await;
    assert_eq!(app.refunds_at_stripe().await.len(), 1);
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_the_balance_does_not_cover_is_paid_once_it_does() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let (order, payment) = app.complete_sale(&buyer, "tok_visa").await;
    // Permanently, for each of three keys.
    app.sim
        .inject(Target::post(REFUND).times(3), Timing::Before, Fault::Fail(402));
    let refund = app.refund(&order, payment, 500).await;
    assert_eq!(app.refunds_at_stripe().await.len(), 1);
    let failed = |event: &Event| matches!(event, Event::PaymentRefundFailed(_));
    assert!(!app.env.published_events().iter().any(failed), "{refund}");
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_waits_while_stripe_is_unreachable() {
    let mut app = TestApp::new().await;
    let buyer = app.buyer();
    let (order, payment) = app.complete_sale(&buyer, "tok_visa").await;
    app.disconnect_stripe().await;
    let refund = app.approved_refund(&order, payment, 1999);
    app.env.publish("order", Event::RefundApproved(refund.clone())).await;
    let shown = app.wait_for_status(&buyer, payment, "captured").await;
    assert_eq!(shown["refunded"], json!(null), "the result is not assumed");
    app.reconnect_stripe().await;
    app.wait_for_refund(refund.id).await;
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_fails_later_is_published_and_reversed_in_the_ledger() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let (order, payment) = app.complete_sale(&buyer, "pm_card_visa").await;
    let refund = app.refund(&order, payment, 1999).await;
    let at_stripe = app.refunds_at_stripe().await[0]["id"].as_str().unwrap().to_owned();
    app.sim.end_refund(&at_stripe, false).await.unwrap();
    // Late, twice, and in the wrong order.
    for kind in [
        "refund.failed",
        "charge.refund.updated",
        "refund.failed",
        "charge.refunded",
        "refund.created",
    ] {
        send_latest(&app, kind).await;
    }
    let (reversal, why) = app.wait_for_failed_refund(refund).await;
    assert_eq!(
        (reversal.refunded_total.amount, reversal.payment.status),
        (0, PaymentStatus::Captured)
    );
    assert_eq!(why, "The buyer's bank rejected the refund.");
    app.wait_for_ledger().await;
    let balance = app
        .seller(&order)
        .get("/api/v1/payments/balance")
        .await
        .expect(200)
        .json();
    assert_eq!(
        (
            balance["currencies"][0]["net"].clone(),
            balance["currencies"][0]["refunded"].clone()
        ),
        (json!(1950), json!(0))
    );
    app.check_invariants();

    // The seller tries again, by another refund.
    app.refund(&order, payment, 1999).await;
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_refund_is_published_when_it_succeeds_even_without_a_stripe_event() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let (order, payment) = app.complete_sale(&buyer, "pm_card_pendingRefund").await;
    let refund = app.refund(&order, payment, 1000).await;
    let reversal = app.wait_for_refund(refund).await;
    assert_eq!(reversal.refunded_total.amount, 1000);
    app.wait_for_ledger().await;
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_made_in_stripes_dashboard_is_recorded() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let (order, payment) = app.complete_sale(&buyer, "tok_visa").await;
    let intent = app.sim.payment_intents().await.unwrap()[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let form = format!("payment_intent={intent}&amount=600");
    let by_hand = app.stripe().send(Method::POST, REFUND, Some(form)).await.expect(200);
    send_latest(&app, "charge.refunded").await;
    let reversal = app
        .env
        .wait_for_event(|event| matches!(event, Event::PaymentRefunded(reversal) if reversal.payment.id == payment))
        .await;
    let Event::PaymentRefunded(reversal) = reversal else {
        panic!("{reversal:?}")
    };
    assert_eq!((reversal.refund, reversal.refunded_total.amount), (None, 600));
    app.wait_for_ledger().await;
    let line = app
        .seller(&order)
        .get("/api/v1/payments/ledger?limit=1")
        .await
        .expect(200)
        .json();
    assert_eq!(line["items"][0]["refunded"], 600);

    // It fails.
    app.sim.end_refund(&by_hand.text_at("/id"), false).await.unwrap();
    send_latest(&app, "refund.failed").await;
    app.env
        .wait_for_event(|event| matches!(event, Event::PaymentRefunded(reversal) if reversal.payment.id == payment && reversal.refunded_total.amount == 0))
        .await;
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restore_refunds_are_neither_repeated_nor_lost() {
    use chassis::Service;
    let mut app = TestApp::new().await;
    let buyer = app.buyer();
    let (order, payment) = app.complete_sale(&buyer, "tok_visa").await;
    app.wait_for_ledger().await;
    let database = app.env.database::<Payments>();
    let backup = database.with_extension("backup");
    db::admin::backup(&database, &backup).unwrap();

    let refund = app.refund(&order, payment, 1000).await;
    let intent = app.sim.payment_intents().await.unwrap()[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let form = format!("payment_intent={intent}&amount=99");
    let _ = app.stripe().send(Method::POST, REFUND, Some(form)).await.expect(200);
    app.stop().await;
    db::admin::restore(&backup, &database, &Payments::SCHEMA, true).unwrap();
    app.start().await;

    let total = async |amount: i64| {
        let (client, path) = (app.client(&buyer), format!("/api/v1/payments/{payment}"));
        eventually("all refunds are recorded", || async {
            (client.get(&path).await.expect(200).json()["refunded"]["amount"] == amount).then_some(())
        })
        .await;
    };
    total(1099).await;
    app.wait_for_ledger().await;
    app.check_invariants();
    assert_eq!(app.executed_posts(REFUND).await, 2, "{refund} and one by hand");
}

#[tokio::test(flavor = "multi_thread")]
async fn refunds_can_be_republished() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let (order, payment) = app.complete_sale(&buyer, "tok_visa").await;
    let refund = app.refund(&order, payment, 1000).await;
    let path = app.env.database::<Payments>();
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_ticketing-payment"))
        .env_clear()
        .arg("--database")
        .arg(path)
        .arg("republish")
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let is_refund = |event: &Event| is_refund_event(event, payment, refund);
    eventually("the refund is published again", || async {
        (app.env
            .published_events()
            .iter()
            .filter(|event| is_refund(event))
            .count()
            == 2)
            .then_some(())
    })
    .await;
}

fn is_refund_event(event: &Event, payment: PaymentId, refund: RefundId) -> bool {
    let Event::PaymentRefunded(reversal) = event else {
        return false;
    };
    reversal.payment.id == payment && reversal.refund.as_ref().is_some_and(|outcome| outcome.id == refund)
}
