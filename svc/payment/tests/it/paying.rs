//! A payment goes as it should.

use events::{Event, PaymentStatus};
use payment::Payments;
use serde_json::json;

use crate::till::{CAPTURE, CREATE, Till, pay};

#[tokio::test(flavor = "multi_thread")]
async fn money_is_set_aside_and_taken_once_the_order_is_confirmed() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let mut order = till.order(&buyer).await;

    let reply = pay(&till.client(&buyer), order.id, "tok_visa").await.expect(201);
    let payment = reply.text_at("/id").parse().unwrap();
    assert_eq!(reply.headers["location"], format!("/api/v1/payments/{payment}"));
    let body = reply.json();
    assert_eq!(
        (&body["orderId"], &body["amount"], &body["status"]),
        (
            &json!(order.id),
            &json!({"amount": 1999, "currency": "usd"}),
            &json!("authorized")
        )
    );
    let said = till
        .kit
        .wait_for_event(|event| matches!(event, Event::PaymentAuthorized(said) if said.id == payment))
        .await;
    let Event::PaymentAuthorized(said) = said else {
        unreachable!()
    };
    assert_eq!(
        (said.order_id, said.buyer_id, said.amount),
        (order.id, buyer.user, order.total)
    );
    assert_eq!(said.status, PaymentStatus::Authorized);
    assert_eq!(till.money().await, (0, 1999), "set aside, and not taken");

    till.confirm(&mut order, payment).await;
    till.kit
        .wait_for_event(|event| matches!(event, Event::PaymentCreated(said) if said.id == payment))
        .await;
    till.settled(&buyer, payment, "captured").await;
    assert_eq!(till.money().await, (1999, 0));
    // What is said twice is done once.
    till.kit.publish("order", Event::OrderConfirmed(order.clone())).await;
    till.complete(&mut order).await;
    let _ = pay(&till.client(&buyer), order.id, "tok_visa").await.expect(409);
    assert_eq!((till.done(CREATE).await, till.done(CAPTURE).await), (1, 1));
    till.check();
}

/// Wrong 8 of the seed: prices are floats, and 19.99 is charged as 1998.9999.
#[tokio::test(flavor = "multi_thread")]
async fn nineteen_ninety_nine_is_charged_as_1999() {
    let till = Till::open().await;
    let buyer = till.buyer();
    for amount in [1999, 50, 99_999_999, 1_010] {
        let mut order = till.order_of(&buyer, amount).await;
        let (before, _) = till.money().await;
        let payment = till.paid(&buyer, &order).await;
        till.confirm(&mut order, payment).await;
        till.settled(&buyer, payment, "captured").await;
        assert_eq!(till.money().await, (before + amount, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_can_be_paid_before_it_has_arrived_here() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let order = till.unheard_order(&buyer, 1999);
    let client = till.client(&buyer);
    let (reply, ()) = tokio::join!(pay(&client, order.id, "pm_card_visa"), async {
        // The payment is there first; the order is announced while it waits.
        till.nobody().get("/health/live").await.expect(200).json();
        till.kit.publish("order", Event::OrderCreated(order.clone())).await;
    });
    let _ = reply.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_lists_own_payments_newest_first() {
    let till = Till::open().await;
    let (buyer, other) = (till.buyer(), till.buyer());
    let order = till.order(&buyer).await;
    let _ = pay(&till.client(&buyer), order.id, "tok_chargeDeclined")
        .await
        .expect(402);
    let _ = pay(&till.client(&buyer), order.id, "tok_visa").await.expect(201);
    let second = till.order(&buyer).await;
    let _ = pay(&till.client(&buyer), second.id, "tok_visa").await.expect(201);
    let elsewhere = till.order(&other).await;
    let _ = pay(&till.client(&other), elsewhere.id, "tok_visa").await.expect(201);

    let of_order = format!("/api/v1/payments?orderId={}", order.id);
    let list = till.client(&buyer).get(&of_order).await.expect(200).json();
    assert_eq!(
        (&list["items"][0]["status"], &list["items"][1]["status"]),
        (&json!("authorized"), &json!("failed"))
    );
    assert_eq!(list["items"][1]["failure"]["code"], "generic_decline");
    assert_eq!(
        (list["items"].as_array().unwrap().len(), &list["nextCursor"]),
        (2, &json!(null))
    );

    let first = till
        .client(&buyer)
        .get("/api/v1/payments?limit=2")
        .await
        .expect(200)
        .json();
    assert_eq!(first["items"][0]["orderId"], json!(second.id));
    let next = format!(
        "/api/v1/payments?limit=2&cursor={}",
        first["nextCursor"].as_str().unwrap()
    );
    let rest = till.client(&buyer).get(&next).await.expect(200).json();
    assert_eq!(
        (rest["items"].as_array().unwrap().len(), &rest["nextCursor"]),
        (1, &json!(null))
    );
    assert_eq!(
        till.client(&other).get(&of_order).await.expect(200).json()["items"],
        json!([])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_gets_the_same_answer_also_after_a_restart() {
    let mut till = Till::open().await;
    let buyer = till.buyer();
    let mut order = till.order(&buyer).await;
    let client = till.client(&buyer).with("idempotency-key", "once");
    let first = pay(&client, order.id, "tok_visa").await.expect(201);
    let payment = first.text_at("/id").parse().unwrap();
    till.confirm(&mut order, payment).await;
    till.settled(&buyer, payment, "captured").await;
    till.restart().await;
    let client = till.client(&buyer).with("idempotency-key", "once");
    let again = pay(&client, order.id, "tok_visa").await.expect(201);
    assert_eq!(
        (&again.text, &again.headers["location"]),
        (&first.text, &first.headers["location"])
    );
    assert_eq!(
        pay(&client, order.id, "tok_mastercard").await.expect(422).problem().0,
        "idempotency-key-reused"
    );
    assert_eq!(till.done(CREATE).await, 1);

    let declined = till.order(&buyer).await;
    let client = till.client(&buyer).with("idempotency-key", "declined");
    let first = pay(&client, declined.id, "tok_chargeDeclined").await.expect(402);
    assert_eq!(
        pay(&client, declined.id, "tok_chargeDeclined").await.expect(402).text,
        first.text
    );
    assert_eq!(till.done(CREATE).await, 2);
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_requests_at_once_are_one_payment() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let order = till.order(&buyer).await;
    let same = till.client(&buyer).with("idempotency-key", "twice");
    let (one, other) = tokio::join!(pay(&same, order.id, "tok_visa"), pay(&same, order.id, "tok_visa"));
    let (one, other) = (one.expect(201), other.expect(201));
    assert_eq!(
        (&one.text, &one.headers["location"]),
        (&other.text, &other.headers["location"])
    );
    assert_eq!((till.done(CREATE).await, till.money().await), (1, (0, 1999)));

    // And without a key, one of them is told that the other was first.
    let order = till.order(&buyer).await;
    let client = till.client(&buyer);
    let replies = tokio::join!(pay(&client, order.id, "tok_visa"), pay(&client, order.id, "tok_visa"));
    let mut statuses = [replies.0.status.as_u16(), replies.1.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!((statuses, till.done(CREATE).await), ([201, 409], 2));
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_of_every_payment_can_be_announced_again() {
    use chassis::Service;
    let mut till = Till::open().await;
    let buyer = till.buyer();
    let order = till.order(&buyer).await;
    let _ = pay(&till.client(&buyer), order.id, "tok_chargeDeclined")
        .await
        .expect(402);
    let payment = till.paid(&buyer, &order).await;
    till.kit
        .wait_for_event(|event| matches!(event, Event::PaymentAuthorized(_)))
        .await;
    till.stop().await;

    let database = db::Db::open(&till.kit.database::<Payments>(), &Payments::SCHEMA).unwrap();
    let now = till.kit.now();
    let next = database
        .write(move |tx| Payments::republish(tx, now, None))
        .await
        .unwrap();
    let end = database
        .write(move |tx| Payments::republish(tx, now, next))
        .await
        .unwrap();
    assert_eq!(end, None);
    database.close().await;
    let before = till.kit.published_events().len();
    till.start().await;
    let again = testkit::eventually("both are announced", || async {
        let heard = till.kit.published_events().split_off(before);
        (heard.len() == 2).then_some(heard)
    })
    .await;
    assert!(matches!(&again[0], Event::PaymentFailed(failed) if failed.order_id == order.id));
    assert!(matches!(&again[1], Event::PaymentAuthorized(said) if said.id == payment));
}
