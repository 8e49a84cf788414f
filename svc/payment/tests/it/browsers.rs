//! Paying as people do: in a browser, with a bank that asks.

use events::{CancelReason, Event};
use serde_json::{Value, json};
use stripe_sim::{Fault, Target, Timing};
use testkit::Reply;

use crate::till::{CREATE, PUBLISHABLE_KEY, Till, Waiting, pay, pay_in_browser};

fn id(reply: &Reply) -> values::PaymentId {
    reply.text_at("/id").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_browser_a_declined_card_is_followed_by_another_with_the_same_intent() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let mut order = till.order(&buyer).await;
    let client = till.client(&buyer);

    let begun = till.opened(&buyer, &order).await;
    assert_eq!(begun.shown["status"], "requires-payment-method");
    assert_eq!(begun.shown["publishableKey"], PUBLISHABLE_KEY);
    assert_eq!(till.opened(&buyer, &order).await.secret, begun.secret);

    let _ = till
        .show_card(&begun, "pm_card_visa_chargeDeclinedInsufficientFunds")
        .await
        .expect(402);
    let _ = till
        .tell(&till.event("payment_intent.payment_failed").await)
        .await
        .expect(204);
    let declined = testkit::eventually("the buyer knows why", || async {
        let found = client
            .get(&format!("/api/v1/payments/{}", begun.payment))
            .await
            .expect(200)
            .json();
        found["failure"].is_object().then_some(found)
    })
    .await;
    assert_eq!(declined["status"], "requires-payment-method");
    assert_eq!(declined["failure"]["code"], "insufficient_funds");
    assert_eq!(
        declined["failure"]["message"],
        "There is not enough money on the card. Use another card."
    );

    let _ = till.show_card(&begun, "pm_card_visa").await.expect(200);
    let _ = till
        .tell(&till.event("payment_intent.amount_capturable_updated").await)
        .await
        .expect(204);
    let authorized = till.settled(&buyer, begun.payment, "authorized").await;
    assert_eq!(
        (&authorized["clientSecret"], &authorized["failure"]),
        (&Value::Null, &Value::Null)
    );
    till.confirm(&mut order, begun.payment).await;
    till.settled(&buyer, begun.payment, "captured").await;
    assert_eq!((till.done(CREATE).await, till.money().await), (1, (1999, 0)));
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_ends_takes_its_browser_payment_along() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let mut order = till.order(&buyer).await;
    let begun = till.opened(&buyer, &order).await;
    till.cancel(&mut order, CancelReason::Expired).await;
    till.settled(&buyer, begun.payment, "voided").await;
    let late = till.show_card(&begun, "pm_card_visa").await;
    assert_eq!(late.status.as_u16(), 400, "nobody can pay it any more: {}", late.text);
    assert_eq!(till.money().await, (0, 0));
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_that_asks_is_answered_on_its_page_even_if_no_webhook_comes() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let order = till.order(&buyer).await;
    let body = json!({
        "orderId": order.id, "token": "tok_threeDSecure2Required", "returnUrl": "https://shop.example/paid",
    });
    let asked = till.client(&buyer).post("/api/v1/payments", body).await.expect(201);
    assert_eq!(asked.text_at("/status"), "requires-action");
    let page = asked.text_at("/nextActionUrl");
    let asked = Waiting::of(asked.json());
    assert!(page.contains(&asked.secret), "{page}");
    assert_eq!(till.money().await, (0, 0));

    till.sim.authenticate(asked.intent(), true).await.unwrap();
    till.settled(&buyer, asked.payment, "authorized").await;
    till.kit
        .wait_for_event(|event| matches!(event, Event::PaymentAuthorized(said) if said.id == asked.payment))
        .await;
    assert_eq!((till.done(CREATE).await, till.money().await), (1, (0, 1999)));
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_prove_it_is_told_why_and_may_try_another_card() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let order = till.order(&buyer).await;
    let asked = till.asked(&buyer, &order).await;
    till.sim.authenticate(asked.intent(), false).await.unwrap();
    let failed = till.settled(&buyer, asked.payment, "failed").await;
    assert_eq!(failed["failure"]["code"], "payment_intent_authentication_failure");
    till.paid(&buyer, &order).await;
    assert_eq!(till.money().await, (0, 1999));
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_card_takes_the_place_of_one_that_waits_for_its_owner() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let order = till.order(&buyer).await;
    let waiting = till.asked(&buyer, &order).await;
    till.paid(&buyer, &order).await;
    till.settled(&buyer, waiting.payment, "voided").await;
    assert!(
        till.sim.authenticate(waiting.intent(), true).await.is_err(),
        "nobody can go on with it"
    );
    assert_eq!(till.money().await, (0, 1999));
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_goes_on_with_the_card_that_waits_for_its_owner() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let order = till.order(&buyer).await;
    let waiting = till.asked(&buyer, &order).await;
    assert_eq!(till.opened(&buyer, &order).await.secret, waiting.secret);
    assert_eq!(till.done(CREATE).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_and_a_lost_answer_are_one_payment() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let order = till.order(&buyer).await;
    till.sim.inject(Target::post(CREATE), Timing::After, Fault::Cut);
    let (one, other) = tokio::join!(till.opened(&buyer, &order), till.opened(&buyer, &order));
    assert_eq!((one.payment, one.secret), (other.payment, other.secret));
    assert_eq!(till.done(CREATE).await, 1);
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_card_can_be_charged_is_refused_and_what_is_free_needs_no_card_and_no_stripe() {
    let mut till = Till::open().await;
    till.lose_stripe().await;
    let buyer = till.buyer();
    let cheap = till.order_of(&buyer, 49).await;
    let reply = pay(&till.client(&buyer), cheap.id, "tok_visa").await.expect(422);
    assert_eq!(reply.problem(), ("invalid-fields".to_owned(), "orderId".to_owned()));
    assert_eq!(reply.text_at("/code"), "amount-not-chargeable");

    for with_card in [false, true] {
        let (mut free, client) = (till.order_of(&buyer, 0).await, till.client(&buyer));
        let paid = if with_card {
            pay(&client, free.id, "tok_chargeDeclined").await
        } else {
            pay_in_browser(&client, free.id).await
        };
        let paid = paid.expect(201);
        assert_eq!(paid.text_at("/status"), "authorized");
        till.confirm(&mut free, id(&paid)).await;
        till.settled(&buyer, id(&paid), "captured").await;
        till.kit
            .wait_for_event(|event| matches!(event, Event::PaymentCreated(said) if said.id == id(&paid)))
            .await;
        till.complete(&mut free).await;
        let books = till.seller(&free).get("/api/v1/payments/ledger").await.expect(200);
        assert_eq!(books.json()["items"], json!([]));
    }
    assert_eq!(till.sim.requests().await.unwrap(), []);
    till.check();
}
