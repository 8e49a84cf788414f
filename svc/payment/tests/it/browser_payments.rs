//! Payments in a browser, and with authentication by the bank.

use events::{CancelReason, Event};
use payment::Payments;
use serde_json::{Value, json};
use stripe_sim::{Fault, Target, Timing};
use testkit::Reply;

use crate::test_app::{CREATE, PUBLISHABLE_KEY, PendingPayment, TestApp, pay, pay_in_browser};

fn id(reply: &Reply) -> values::PaymentId {
    reply.text_at("/id").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_card_in_the_browser_uses_the_same_intent() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let mut order = app.create_order(&buyer).await;
    let client = app.client(&buyer);

    let begun = app.start_in_browser(&buyer, &order).await;
    assert_eq!(begun.body["status"], "requires-payment-method");
    assert_eq!(begun.body["publishableKey"], PUBLISHABLE_KEY);
    assert_eq!(app.start_in_browser(&buyer, &order).await.secret, begun.secret);

    let _ = app
        .enter_card(&begun, "pm_card_visa_chargeDeclinedInsufficientFunds")
        .await
        .expect(402);
    let _ = app
        .send_webhook(&app.latest_stripe_event("payment_intent.payment_failed").await)
        .await
        .expect(204);
    let declined = testkit::eventually("the failure is visible to the buyer", || async {
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
        "Your card has insufficient funds. Use another card."
    );

    let _ = app.enter_card(&begun, "pm_card_visa").await.expect(200);
    let _ = app
        .send_webhook(
            &app.latest_stripe_event("payment_intent.amount_capturable_updated")
                .await,
        )
        .await
        .expect(204);
    let authorized = app.wait_for_status(&buyer, begun.payment, "authorized").await;
    assert_eq!(
        (&authorized["clientSecret"], &authorized["failure"]),
        (&Value::Null, &Value::Null)
    );
    app.confirm_order(&mut order, begun.payment).await;
    app.wait_for_status(&buyer, begun.payment, "captured").await;
    assert_eq!((app.executed_posts(CREATE).await, app.money().await), (1, (1999, 0)));
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secret_of_a_payment_is_not_stored_with_a_response() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let order = app.create_order(&buyer).await;
    let client = app.client(&buyer).with("idempotency-key", "browser");
    let database = rusqlite::Connection::open(app.env.database::<Payments>()).unwrap();
    let stored_responses = || {
        let count = database.query_row("SELECT count(*) FROM idempotency", [], |row| row.get::<_, i64>(0));
        count.unwrap()
    };
    let begun = PendingPayment::new(pay_in_browser(&client, order.id).await.expect(201).json());
    let again = PendingPayment::new(pay_in_browser(&client, order.id).await.expect(201).json());
    assert_eq!((again.payment, again.secret), (begun.payment, begun.secret.clone()));
    assert_eq!(stored_responses(), 0);
    let other = pay(&client, order.id, "tok_visa").await.expect(422);
    assert_eq!(other.problem().0, "idempotency-key-reused");

    let _ = app.enter_card(&begun, "pm_card_visa").await.expect(200);
    app.wait_for_status(&buyer, begun.payment, "authorized").await;
    let last = pay_in_browser(&client, order.id).await.expect(201);
    assert_eq!(
        (id(&last), last.text_at("/status")),
        (begun.payment, "authorized".to_owned())
    );
    assert_eq!(stored_responses(), 1);
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_ends_voids_its_browser_payment() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let mut order = app.create_order(&buyer).await;
    let begun = app.start_in_browser(&buyer, &order).await;
    app.cancel_order(&mut order, CancelReason::Expired).await;
    app.wait_for_status(&buyer, begun.payment, "voided").await;
    let late = app.enter_card(&begun, "pm_card_visa").await;
    assert_eq!(
        late.status.as_u16(),
        400,
        "the payment cannot be continued: {}",
        late.text
    );
    assert_eq!(app.money().await, (0, 0));
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authentication_on_the_banks_page_is_detected_without_a_webhook() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let order = app.create_order(&buyer).await;
    let body = json!({
        "orderId": order.id, "token": "tok_threeDSecure2Required", "returnUrl": "https://shop.example/paid",
    });
    let asked = app.client(&buyer).post("/api/v1/payments", body).await.expect(201);
    assert_eq!(asked.text_at("/status"), "requires-action");
    let page = asked.text_at("/nextActionUrl");
    let asked = PendingPayment::new(asked.json());
    assert!(page.contains(&asked.secret), "{page}");
    assert_eq!(app.money().await, (0, 0));

    app.sim.authenticate(asked.intent(), true).await.unwrap();
    app.wait_for_status(&buyer, asked.payment, "authorized").await;
    app.env
        .wait_for_event(|event| matches!(event, Event::PaymentAuthorized(published) if published.id == asked.payment))
        .await;
    assert_eq!((app.executed_posts(CREATE).await, app.money().await), (1, (0, 1999)));
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_authentication_has_a_reason_and_allows_another_card() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let order = app.create_order(&buyer).await;
    let asked = app.pay_with_authentication(&buyer, &order).await;
    app.sim.authenticate(asked.intent(), false).await.unwrap();
    let failed = app.wait_for_status(&buyer, asked.payment, "failed").await;
    assert_eq!(failed["failure"]["code"], "payment_intent_authentication_failure");
    app.authorize(&buyer, &order).await;
    assert_eq!(app.money().await, (0, 1999));
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_card_supersedes_one_that_waits_for_authentication() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let order = app.create_order(&buyer).await;
    let waiting = app.pay_with_authentication(&buyer, &order).await;
    app.authorize(&buyer, &order).await;
    app.wait_for_status(&buyer, waiting.payment, "voided").await;
    assert!(
        app.sim.authenticate(waiting.intent(), true).await.is_err(),
        "the superseded intent cannot be continued"
    );
    assert_eq!(app.money().await, (0, 1999));
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_continues_with_the_card_that_waits_for_authentication() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let order = app.create_order(&buyer).await;
    let waiting = app.pay_with_authentication(&buyer, &order).await;
    assert_eq!(app.start_in_browser(&buyer, &order).await.secret, waiting.secret);
    assert_eq!(app.executed_posts(CREATE).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_and_a_lost_response_are_one_payment() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let order = app.create_order(&buyer).await;
    app.sim.inject(Target::post(CREATE), Timing::After, Fault::Cut);
    let (one, other) = tokio::join!(
        app.start_in_browser(&buyer, &order),
        app.start_in_browser(&buyer, &order)
    );
    assert_eq!((one.payment, one.secret), (other.payment, other.secret));
    assert_eq!(app.executed_posts(CREATE).await, 1);
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchargeable_amount_is_refused_and_a_free_order_needs_neither_card_nor_stripe() {
    let mut app = TestApp::new().await;
    app.disconnect_stripe().await;
    let buyer = app.buyer();
    let cheap = app.create_order_of(&buyer, 49).await;
    let reply = pay(&app.client(&buyer), cheap.id, "tok_visa").await.expect(422);
    assert_eq!(reply.problem(), ("invalid-fields".to_owned(), "orderId".to_owned()));
    assert_eq!(reply.text_at("/code"), "amount-not-chargeable");

    for with_card in [false, true] {
        let (mut free, client) = (app.create_order_of(&buyer, 0).await, app.client(&buyer));
        let paid = if with_card {
            pay(&client, free.id, "tok_chargeDeclined").await
        } else {
            pay_in_browser(&client, free.id).await
        };
        let paid = paid.expect(201);
        assert_eq!(paid.text_at("/status"), "authorized");
        app.confirm_order(&mut free, id(&paid)).await;
        app.wait_for_status(&buyer, id(&paid), "captured").await;
        app.env
            .wait_for_event(|event| matches!(event, Event::PaymentCreated(published) if published.id == id(&paid)))
            .await;
        app.complete_order(&mut free).await;
        let books = app.seller(&free).get("/api/v1/payments/ledger").await.expect(200);
        assert_eq!(books.json()["items"], json!([]));
    }
    assert_eq!(app.sim.requests().await.unwrap(), []);
    app.check_invariants();
}
