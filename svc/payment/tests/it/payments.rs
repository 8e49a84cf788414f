//! Payments with a card.

use events::{Event, PaymentStatus};
use payment::Payments;
use serde_json::json;

use crate::test_app::{CAPTURE, CREATE, TestApp, pay};

#[tokio::test(flavor = "multi_thread")]
async fn money_is_authorised_and_captured_once_the_order_is_confirmed() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let mut order = app.create_order(&buyer).await;

    let reply = pay(&app.client(&buyer), order.id, "tok_visa").await.expect(201);
    let payment = reply.text_at("/id").parse().unwrap();
    assert_eq!(reply.headers["location"], format!("/api/v1/payments/{payment}"));
    assert_eq!(reply.text_at("/orderId"), order.id.to_string());
    insta::assert_json_snapshot!(reply.stable_json(), @r#"
    {
      "id": "[id]",
      "orderId": "[id]",
      "amount": {
        "amount": 1999,
        "currency": "usd"
      },
      "status": "authorized",
      "createdAt": "[time]",
      "updatedAt": "[time]"
    }
    "#);
    let published = app
        .env
        .wait_for_event(|event| matches!(event, Event::PaymentAuthorized(published) if published.id == payment))
        .await;
    let Event::PaymentAuthorized(published) = published else {
        unreachable!()
    };
    assert_eq!(
        (published.order_id, published.buyer_id, published.amount),
        (order.id, buyer.id, order.total)
    );
    assert_eq!(published.status, PaymentStatus::Authorized);
    assert_eq!(app.money().await, (0, 1999), "authorised, not captured");

    app.confirm_order(&mut order, payment).await;
    app.env
        .wait_for_event(|event| matches!(event, Event::PaymentCreated(published) if published.id == payment))
        .await;
    app.wait_for_status(&buyer, payment, "captured").await;
    assert_eq!(app.money().await, (1999, 0));
    // A repeated event has no effect.
    app.env.publish("order", Event::OrderConfirmed(order.clone())).await;
    app.complete_order(&mut order).await;
    let _ = pay(&app.client(&buyer), order.id, "tok_visa").await.expect(409);
    assert_eq!(
        (app.executed_posts(CREATE).await, app.executed_posts(CAPTURE).await),
        (1, 1)
    );
    app.check_invariants();
}

/// Wrong 8 of the seed: prices are floats, and 19.99 is charged as 1998.9999.
#[tokio::test(flavor = "multi_thread")]
async fn nineteen_ninety_nine_is_charged_as_1999() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    for amount in [1999, 50, 99_999_999, 1_010] {
        let mut order = app.create_order_of(&buyer, amount).await;
        let (before, _) = app.money().await;
        let payment = app.authorize(&buyer, &order).await;
        app.confirm_order(&mut order, payment).await;
        app.wait_for_status(&buyer, payment, "captured").await;
        assert_eq!(app.money().await, (before + amount, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_can_be_paid_before_it_is_replicated() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let order = app.unpublished_order(&buyer, 1999);
    let client = app.client(&buyer);
    let (reply, ()) = tokio::join!(pay(&client, order.id, "pm_card_visa"), async {
        // The request arrives first; the order is published while it waits.
        app.anonymous().get("/health/live").await.expect(200).json();
        app.env.publish("order", Event::OrderCreated(order.clone())).await;
    });
    let _ = reply.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_can_list_own_payments_newest_first() {
    let app = TestApp::new().await;
    let (buyer, other) = (app.buyer(), app.buyer());
    let order = app.create_order(&buyer).await;
    let _ = pay(&app.client(&buyer), order.id, "tok_chargeDeclined")
        .await
        .expect(402);
    let _ = pay(&app.client(&buyer), order.id, "tok_visa").await.expect(201);
    let second = app.create_order(&buyer).await;
    let _ = pay(&app.client(&buyer), second.id, "tok_visa").await.expect(201);
    let elsewhere = app.create_order(&other).await;
    let _ = pay(&app.client(&other), elsewhere.id, "tok_visa").await.expect(201);

    let of_order = format!("/api/v1/payments?orderId={}", order.id);
    let list = app.client(&buyer).get(&of_order).await.expect(200).json();
    assert_eq!(
        (&list["items"][0]["status"], &list["items"][1]["status"]),
        (&json!("authorized"), &json!("failed"))
    );
    assert_eq!(list["items"][1]["failure"]["code"], "generic_decline");
    assert_eq!(
        (list["items"].as_array().unwrap().len(), &list["nextCursor"]),
        (2, &json!(null))
    );

    let first = app
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
    let rest = app.client(&buyer).get(&next).await.expect(200).json();
    assert_eq!(
        (rest["items"].as_array().unwrap().len(), &rest["nextCursor"]),
        (1, &json!(null))
    );
    let cursor = first["nextCursor"].as_str().unwrap();
    for (client, path) in [
        (app.client(&buyer), format!("{of_order}&cursor={cursor}")),
        (app.client(&buyer), format!("/api/v1/payments/ledger?cursor={cursor}")),
        (app.client(&other), next.clone()),
    ] {
        let refused = client.get(&path).await.expect(400);
        assert_eq!(
            refused.problem(),
            ("malformed".to_owned(), "cursor".to_owned()),
            "{path}"
        );
    }
    assert_eq!(
        app.client(&other).get(&of_order).await.expect(200).json()["items"],
        json!([])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_gets_the_same_response_even_after_a_restart() {
    let mut app = TestApp::new().await;
    let buyer = app.buyer();
    let mut order = app.create_order(&buyer).await;
    let client = app.client(&buyer).with("idempotency-key", "once");
    let first = pay(&client, order.id, "tok_visa").await.expect(201);
    let payment = first.text_at("/id").parse().unwrap();
    app.confirm_order(&mut order, payment).await;
    app.wait_for_status(&buyer, payment, "captured").await;
    app.restart().await;
    let client = app.client(&buyer).with("idempotency-key", "once");
    let again = pay(&client, order.id, "tok_visa").await.expect(201);
    assert_eq!(
        (&again.text, &again.headers["location"]),
        (&first.text, &first.headers["location"])
    );
    let id = order.id;
    let same = json!({"returnUrl": null, "token": "tok_visa", "orderId": id});
    let again = client.post("/api/v1/payments", same).await.expect(201);
    assert_eq!(again.text, first.text, "another notation is the same request");
    assert_eq!(
        pay(&client, order.id, "tok_mastercard").await.expect(422).problem().0,
        "idempotency-key-reused"
    );
    assert_eq!(app.executed_posts(CREATE).await, 1);

    let declined = app.create_order(&buyer).await;
    let client = app.client(&buyer).with("idempotency-key", "declined");
    let first = pay(&client, declined.id, "tok_chargeDeclined").await.expect(402);
    assert_eq!(
        pay(&client, declined.id, "tok_chargeDeclined").await.expect(402).text,
        first.text
    );
    assert_eq!(app.executed_posts(CREATE).await, 2);
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_concurrent_requests_are_one_payment() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let order = app.create_order(&buyer).await;
    let same = app.client(&buyer).with("idempotency-key", "twice");
    let (one, other) = tokio::join!(pay(&same, order.id, "tok_visa"), pay(&same, order.id, "tok_visa"));
    let (one, other) = (one.expect(201), other.expect(201));
    assert_eq!(
        (&one.text, &one.headers["location"]),
        (&other.text, &other.headers["location"])
    );
    assert_eq!((app.executed_posts(CREATE).await, app.money().await), (1, (0, 1999)));

    // Without a key, the second request is refused.
    let order = app.create_order(&buyer).await;
    let client = app.client(&buyer);
    let replies = tokio::join!(pay(&client, order.id, "tok_visa"), pay(&client, order.id, "tok_visa"));
    let mut statuses = [replies.0.status.as_u16(), replies.1.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!((statuses, app.executed_posts(CREATE).await), ([201, 409], 2));
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_of_every_payment_can_be_republished() {
    use chassis::Service;
    let mut app = TestApp::new().await;
    let buyer = app.buyer();
    let order = app.create_order(&buyer).await;
    let _ = pay(&app.client(&buyer), order.id, "tok_chargeDeclined")
        .await
        .expect(402);
    let payment = app.authorize(&buyer, &order).await;
    app.env
        .wait_for_event(|event| matches!(event, Event::PaymentAuthorized(_)))
        .await;
    app.stop().await;

    let database = db::Db::open(&app.env.database::<Payments>(), &Payments::SCHEMA).unwrap();
    let now = app.env.now();
    let next = database
        .write(move |tx| Payments::republish(tx, now, None, None))
        .await
        .unwrap();
    let end = database
        .write(move |tx| Payments::republish(tx, now, None, next))
        .await
        .unwrap();
    assert_eq!(end, None);
    database.close().await;
    let before = app.env.published_events().len();
    app.start().await;
    let again = testkit::eventually("both are published", || async {
        let events = app.env.published_events().split_off(before);
        (events.len() == 2).then_some(events)
    })
    .await;
    assert!(matches!(&again[0], Event::PaymentFailed(failed) if failed.order_id == order.id));
    assert!(matches!(&again[1], Event::PaymentAuthorized(published) if published.id == payment));
}
