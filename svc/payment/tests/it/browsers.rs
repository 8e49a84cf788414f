//! Paying as people do: in a browser, with a bank that asks.

use events::{CancelReason, Event};
use serde_json::Value;
use stripe_sim::{Fault, On, When};
use testkit::Reply;

use crate::till::{CREATE, PUBLISHABLE_KEY, Till, pay, pay_in_browser};

fn id(reply: &Reply) -> ids::PaymentId {
    reply.text_at("/id").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_browser_a_declined_card_is_followed_by_another_with_the_same_intent() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let mut order = till.order(&buyer).await;
    let client = till.client(&buyer);

    let begun = pay_in_browser(&client, order.id).await.expect(201);
    assert_eq!(begun.text_at("/status"), "requires-payment-method");
    assert_eq!(begun.text_at("/publishableKey"), PUBLISHABLE_KEY);
    let secret = begun.text_at("/clientSecret");
    let again = pay_in_browser(&client, order.id).await.expect(201);
    assert_eq!(
        (again.text_at("/id"), again.text_at("/clientSecret")),
        (begun.text_at("/id"), secret.clone())
    );

    let _ = till
        .show_card(&secret, "pm_card_visa_chargeDeclinedInsufficientFunds")
        .await
        .expect(402);
    let _ = till
        .tell(&till.event("payment_intent.payment_failed").await)
        .await
        .expect(204);
    let declined = testkit::eventually("the buyer knows why", || async {
        let found = client
            .get(&format!("/api/v1/payments/{}", id(&begun)))
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

    let _ = till.show_card(&secret, "pm_card_visa").await.expect(200);
    let _ = till
        .tell(&till.event("payment_intent.amount_capturable_updated").await)
        .await
        .expect(204);
    let authorized = till.settled(&buyer, id(&begun), "authorized").await;
    assert_eq!(
        (&authorized["clientSecret"], &authorized["failure"]),
        (&Value::Null, &Value::Null)
    );
    till.confirm(&mut order, id(&begun)).await;
    till.settled(&buyer, id(&begun), "captured").await;
    assert_eq!((till.done(CREATE).await, till.money().await), (1, (1999, 0)));
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_ends_takes_its_browser_payment_along() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let mut order = till.order(&buyer).await;
    let begun = pay_in_browser(&till.client(&buyer), order.id).await.expect(201);
    till.cancel(&mut order, CancelReason::Expired).await;
    till.settled(&buyer, id(&begun), "voided").await;
    let late = till.show_card(&begun.text_at("/clientSecret"), "pm_card_visa").await;
    assert_eq!(late.status.as_u16(), 400, "nobody can pay it any more: {}", late.text);
    assert_eq!(till.money().await, (0, 0));
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_that_asks_is_answered_on_its_page_even_if_no_webhook_comes() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let order = till.order(&buyer).await;
    let body = serde_json::json!({
        "orderId": order.id, "token": "tok_threeDSecure2Required", "returnUrl": "https://shop.example/paid",
    });
    let asked = till.client(&buyer).post("/api/v1/payments", body).await.expect(201);
    assert_eq!(asked.text_at("/status"), "requires-action");
    let secret = asked.text_at("/clientSecret");
    assert!(asked.text_at("/nextActionUrl").contains(&secret), "{}", asked.text);
    assert_eq!(till.money().await, (0, 0));

    till.sim
        .authenticate(secret.split("_secret_").next().unwrap(), true)
        .await
        .unwrap();
    till.settled(&buyer, id(&asked), "authorized").await;
    till.kit
        .heard(|event| matches!(event, Event::PaymentAuthorized(said) if said.id == id(&asked)))
        .await;
    assert_eq!((till.done(CREATE).await, till.money().await), (1, (0, 1999)));
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_prove_it_is_told_why_and_may_try_another_card() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let order = till.order(&buyer).await;
    let asked = pay(&till.client(&buyer), order.id, "tok_threeDSecure2Required")
        .await
        .expect(201);
    let intent = asked
        .text_at("/clientSecret")
        .split("_secret_")
        .next()
        .unwrap()
        .to_owned();
    till.sim.authenticate(&intent, false).await.unwrap();
    let failed = till.settled(&buyer, id(&asked), "failed").await;
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
    let waiting = pay(&till.client(&buyer), order.id, "tok_threeDSecure2Required")
        .await
        .expect(201);
    till.paid(&buyer, &order).await;
    till.settled(&buyer, id(&waiting), "voided").await;
    let intent = waiting
        .text_at("/clientSecret")
        .split("_secret_")
        .next()
        .unwrap()
        .to_owned();
    assert!(
        till.sim.authenticate(&intent, true).await.is_err(),
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
    let waiting = pay(&till.client(&buyer), order.id, "tok_threeDSecure2Required")
        .await
        .expect(201);
    let joined = pay_in_browser(&till.client(&buyer), order.id).await.expect(201);
    assert_eq!(joined.text_at("/clientSecret"), waiting.text_at("/clientSecret"));
    assert_eq!(till.done(CREATE).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_and_a_lost_answer_are_one_payment() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let order = till.order(&buyer).await;
    till.sim.inject(On::post(CREATE), When::After, Fault::Cut);
    let (one, other) = (till.client(&buyer), till.client(&buyer));
    let (one, other) = tokio::join!(pay_in_browser(&one, order.id), pay_in_browser(&other, order.id));
    let (one, other) = (one.expect(201), other.expect(201));
    assert_eq!(
        (one.text_at("/id"), one.text_at("/clientSecret")),
        (other.text_at("/id"), other.text_at("/clientSecret"))
    );
    assert_eq!(till.done(CREATE).await, 1);
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_card_can_be_charged_is_refused_and_what_costs_nothing_needs_none() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let mut cheap = till.unheard_order(&buyer, 49);
    till.kit.say("order", Event::OrderCreated(cheap.clone())).await;
    let reply = pay(&till.client(&buyer), cheap.id, "tok_visa").await.expect(422);
    assert_eq!(reply.problem(), ("invalid-fields".to_owned(), "orderId".to_owned()));
    assert_eq!(reply.text_at("/code"), "amount-not-chargeable");

    cheap = till.unheard_order(&buyer, 0);
    till.kit.say("order", Event::OrderCreated(cheap.clone())).await;
    let free = pay_in_browser(&till.client(&buyer), cheap.id).await.expect(201);
    assert_eq!(free.text_at("/status"), "authorized");
    till.confirm(&mut cheap, id(&free)).await;
    till.settled(&buyer, id(&free), "captured").await;
    till.kit
        .heard(|event| matches!(event, Event::PaymentCreated(said) if said.id == id(&free)))
        .await;
    assert_eq!(
        till.sim.requests().await.unwrap(),
        [],
        "Stripe has nothing to do with it"
    );
    till.check();
}
