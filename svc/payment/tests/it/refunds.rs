//! Refunds: given back once, whatever is lost, repeated or late.

use events::{CancelReason, Event, PaymentStatus};
use payment::Payments;
use poem::http::Method;
use serde_json::json;
use stripe_sim::{Fault, Target, Timing};
use testkit::eventually;
use values::{PaymentId, RefundId};

use crate::till::{REFUND, Till};

/// Stripe tells of the newest event of a type.
async fn tell(till: &Till, kind: &str) {
    let event = till.event(kind).await;
    let _ = till.tell(&event).await.expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_are_given_back_until_nothing_is_left_and_then_no_more() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let (order, payment) = till.sale(&buyer, "tok_visa").await;
    let first = till.refund(&order, payment, 1000).await;
    let said = till.refunded(first).await;
    assert_eq!(
        (said.refunded_total.amount, said.payment.status),
        (1000, PaymentStatus::Captured)
    );
    let second = till.refund(&order, payment, 999).await;
    let all = till.refunded(second).await;
    assert_eq!(
        (all.refunded_total.amount, all.payment.status),
        (1999, PaymentStatus::Refunded)
    );
    assert!(all.payment.version > said.payment.version);

    let more = till.approved(&order, payment, 1);
    till.kit.publish("order", Event::RefundApproved(more.clone())).await;
    let (still, why) = till.refund_failed(more.id).await;
    assert_eq!(
        (still.refunded_total.amount, why.as_str()),
        (1999, "More was asked for than is left of the payment.")
    );
    assert_eq!(till.done(REFUND).await, 2, "Stripe was not even asked");
    let shown = till.settled(&buyer, payment, "captured").await;
    assert_eq!(shown["refunded"], json!({"amount": 1999, "currency": "usd"}));
    let metadata = &till.refunds_at_stripe().await[0]["metadata"];
    assert_eq!(
        (metadata["refund_id"].clone(), metadata["payment_id"].clone()),
        (json!(first), json!(payment))
    );
    till.books_are_whole().await;
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_approved_twice_or_before_the_order_is_complete_is_given_back_once() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let mut order = till.order(&buyer).await;
    let payment = till.paid(&buyer, &order).await;
    let refund = till.approved(&order, payment, 700);
    // Before the money is taken: it waits.
    till.kit.publish("order", Event::RefundApproved(refund.clone())).await;
    till.kit.publish("order", Event::RefundApproved(refund.clone())).await;
    till.confirm(&mut order, payment).await;
    till.refunded(refund.id).await;
    till.kit.publish("order", Event::RefundApproved(refund.clone())).await;
    till.complete(&mut order).await;
    let second = till.refund(&order, payment, 300).await;
    let all = till.refunded(second).await;
    assert_eq!(all.refunded_total.amount, 1000);
    assert_eq!((till.done(REFUND).await, till.refunds_at_stripe().await.len()), (2, 2));
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_what_was_never_taken_nothing_is_given_back_and_what_was_free_is_given_back_at_once() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let mut ended = till.order(&buyer).await;
    let voided = till.paid(&buyer, &ended).await;
    till.cancel(&mut ended, CancelReason::User).await;
    till.settled(&buyer, voided, "voided").await;
    let refund = till.approved(&ended, voided, 1999);
    till.kit.publish("order", Event::RefundApproved(refund.clone())).await;
    let (_, why) = till.refund_failed(refund.id).await;
    assert_eq!(why, "Nothing was taken with this payment.");

    let mut free = till.order_of(&buyer, 0).await;
    let nothing = till.paid(&buyer, &free).await;
    till.confirm(&mut free, nothing).await;
    till.settled(&buyer, nothing, "captured").await;
    till.complete(&mut free).await;
    let refund = till.refund(&free, nothing, 0).await;
    let said = till.refunded(refund).await;
    assert_eq!(
        (said.refunded_total.amount, said.payment.status),
        (0, PaymentStatus::Refunded)
    );
    assert_eq!(till.done(REFUND).await, 0);
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_or_a_crash_after_stripe_has_done_it_gives_back_once() {
    let mut till = Till::open().await;
    let buyer = till.buyer();
    let (order, payment) = till.sale(&buyer, "tok_visa").await;
    till.sim.inject(Target::post(REFUND), Timing::After, Fault::Cut);
    till.refund(&order, payment, 500).await;

    let held = till.sim.hold(Target::post(REFUND), Timing::After);
    let refund = till.approved(&order, payment, 400);
    till.kit.publish("order", Event::RefundApproved(refund.clone())).await;
    held.wait_for_request().await;
    till.stop().await;
    held.cut();
    till.start().await;
    till.refunded(refund.id).await;

    till.sim
        .inject(Target::post(REFUND), Timing::Before, Fault::Answer(500));
    till.sim.inject(Target::get(REFUND), Timing::Before, Fault::Answer(429));
    till.refund(&order, payment, 300).await;
    let given: Vec<_> = till
        .refunds_at_stripe()
        .await
        .iter()
        .map(|refund| refund["amount"].as_i64().unwrap())
        .collect();
    assert_eq!(given, [500, 400, 300]);
    till.books_are_whole().await;
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_stripe_answers_with_an_error_for_ever_is_given_up() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let (order, payment) = till.sale(&buyer, "tok_visa").await;
    till.sim.inject(Target::post(REFUND), Timing::Before, Fault::Fail(500));
    let refund = till.approved(&order, payment, 500);
    till.kit.publish("order", Event::RefundApproved(refund.clone())).await;
    till.refunded(refund.id).await;
    assert_eq!(till.refunds_at_stripe().await.len(), 1);
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_balance_does_not_cover_is_given_back_once_it_does() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let (order, payment) = till.sale(&buyer, "tok_visa").await;
    // For ever, under one key.
    till.sim
        .inject(Target::post(REFUND).times(3), Timing::Before, Fault::Fail(402));
    let refund = till.refund(&order, payment, 500).await;
    assert_eq!(till.refunds_at_stripe().await.len(), 1);
    let failed = |event: &Event| matches!(event, Event::PaymentRefundFailed(_));
    assert!(!till.kit.published_events().iter().any(failed), "{refund}");
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn while_stripe_is_away_a_refund_waits_for_it() {
    let mut till = Till::open().await;
    let buyer = till.buyer();
    let (order, payment) = till.sale(&buyer, "tok_visa").await;
    till.lose_stripe().await;
    let refund = till.approved(&order, payment, 1999);
    till.kit.publish("order", Event::RefundApproved(refund.clone())).await;
    let shown = till.settled(&buyer, payment, "captured").await;
    assert_eq!(shown["refunded"], json!(null), "nothing is guessed");
    till.find_stripe().await;
    till.refunded(refund.id).await;
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_fails_later_is_told_and_the_books_are_turned_back() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let (order, payment) = till.sale(&buyer, "pm_card_visa").await;
    let refund = till.refund(&order, payment, 1999).await;
    let at_stripe = till.refunds_at_stripe().await[0]["id"].as_str().unwrap().to_owned();
    till.sim.end_refund(&at_stripe, false).await.unwrap();
    // Late, twice, and in the wrong order.
    for kind in [
        "refund.failed",
        "charge.refund.updated",
        "refund.failed",
        "charge.refunded",
        "refund.created",
    ] {
        tell(&till, kind).await;
    }
    let (said, why) = till.refund_failed(refund).await;
    assert_eq!(
        (said.refunded_total.amount, said.payment.status),
        (0, PaymentStatus::Captured)
    );
    assert_eq!(why, "The buyer's bank does not take it.");
    till.books_are_whole().await;
    let balance = till
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
    till.check();

    // The seller tries again, by another refund.
    till.refund(&order, payment, 1999).await;
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_refund_is_told_when_it_has_arrived_also_if_stripe_says_nothing() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let (order, payment) = till.sale(&buyer, "pm_card_pendingRefund").await;
    let refund = till.refund(&order, payment, 1000).await;
    let said = till.refunded(refund).await;
    assert_eq!(said.refunded_total.amount, 1000);
    till.books_are_whole().await;
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_gives_back_in_the_dashboard_is_taken_over() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let (order, payment) = till.sale(&buyer, "tok_visa").await;
    let intent = till.sim.payment_intents().await.unwrap()[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let form = format!("payment_intent={intent}&amount=600");
    let by_hand = till.stripe().send(Method::POST, REFUND, Some(form)).await.expect(200);
    tell(&till, "charge.refunded").await;
    let said = till
        .kit
        .wait_for_event(|event| matches!(event, Event::PaymentRefunded(said) if said.payment.id == payment))
        .await;
    let Event::PaymentRefunded(said) = said else {
        panic!("{said:?}")
    };
    assert_eq!((said.refund, said.refunded_total.amount), (None, 600));
    till.books_are_whole().await;
    let line = till
        .seller(&order)
        .get("/api/v1/payments/ledger?limit=1")
        .await
        .expect(200)
        .json();
    assert_eq!(line["items"][0]["refunded"], 600);

    // It fails.
    till.sim.end_refund(&by_hand.text_at("/id"), false).await.unwrap();
    tell(&till, "refund.failed").await;
    till.kit
        .wait_for_event(|event| matches!(event, Event::PaymentRefunded(said) if said.payment.id == payment && said.refunded_total.amount == 0))
        .await;
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_backup_was_put_back_nothing_is_given_back_twice_and_nothing_is_forgotten() {
    use chassis::Service;
    let mut till = Till::open().await;
    let buyer = till.buyer();
    let (order, payment) = till.sale(&buyer, "tok_visa").await;
    till.books_are_whole().await;
    let database = till.kit.database::<Payments>();
    let backup = database.with_extension("backup");
    db::admin::backup(&database, &backup).unwrap();

    let refund = till.refund(&order, payment, 1000).await;
    let intent = till.sim.payment_intents().await.unwrap()[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let form = format!("payment_intent={intent}&amount=99");
    let _ = till.stripe().send(Method::POST, REFUND, Some(form)).await.expect(200);
    till.stop().await;
    db::admin::restore(&backup, &database, &Payments::SCHEMA, true).unwrap();
    till.start().await;

    let total = async |amount: i64| {
        let (client, path) = (till.client(&buyer), format!("/api/v1/payments/{payment}"));
        eventually("all that went back is known", || async {
            (client.get(&path).await.expect(200).json()["refunded"]["amount"] == amount).then_some(())
        })
        .await;
    };
    total(1099).await;
    till.books_are_whole().await;
    till.check();
    assert_eq!(till.done(REFUND).await, 2, "{refund} and one by hand");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_went_back_can_be_said_again() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let (order, payment) = till.sale(&buyer, "tok_visa").await;
    let refund = till.refund(&order, payment, 1000).await;
    let path = till.kit.database::<Payments>();
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_ticketing-payment"))
        .env_clear()
        .arg("--database")
        .arg(path)
        .arg("republish")
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = |event: &Event| says_refunded(event, payment, refund);
    eventually("it is said again", || async {
        (till.kit.published_events().iter().filter(|event| said(event)).count() == 2).then_some(())
    })
    .await;
}

fn says_refunded(event: &Event, payment: PaymentId, refund: RefundId) -> bool {
    let Event::PaymentRefunded(said) = event else {
        return false;
    };
    said.payment.id == payment && said.refund.as_ref().is_some_and(|answer| answer.id == refund)
}
