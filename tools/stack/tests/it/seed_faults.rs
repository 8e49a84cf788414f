//! One test for each of the twelve faults of the teaching project that this one is modelled on.

use std::time::Duration;

use futures_util::future::{join, join_all};
use serde_json::json;
use stripe_sim::{Fault, Target, Timing};
use values::Timestamp;

use crate::{
    TcpProxy, eventually,
    stripe::{amount_charged_once, payment_intents},
    support::{StackProcess, TestData, dev_command},
    test_app::TestApp,
    user::{PASSWORD, User, new_email, ticket_body},
};

#[tokio::test]
async fn seed_fault_01_an_order_reserves_the_ticket_at_run_time() {
    let app = TestApp::shared();
    let (seller, buyer) = (app.user().await, app.user().await);
    let ticket = seller.list_ticket(json!({})).await;
    let order = buyer.hold_tickets(&ticket, 1).await;
    seller.wait_for_stock(&ticket, 1, 0).await;
    let higher_price = json!({"price": {"amount": 9999, "currency": "usd"}});
    assert_eq!(
        seller
            .update_ticket(&ticket, higher_price.clone())
            .await
            .expect(409)
            .problem()
            .0,
        "ticket-reserved"
    );
    let _ = buyer.cancel_order(&order).await.expect(204);
    seller.wait_for_stock(&ticket, 0, 0).await;
    let _ = seller.update_ticket(&ticket, higher_price).await.expect(200);
}

#[tokio::test]
async fn seed_fault_02_two_buyers_never_get_one_ticket() {
    let app = TestApp::shared();
    let (seller, buyer, other_buyer) = (app.user().await, app.user().await, app.user().await);
    for _ in 0..20 {
        let ticket = seller.list_ticket(json!({})).await;
        let (first, second) = join(buyer.place_order(&ticket, 1), other_buyer.place_order(&ticket, 1)).await;
        let mut statuses = [first.status.as_u16(), second.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409], "{} {}", first.text, second.text);
    }
}

#[tokio::test]
async fn seed_fault_03_a_complete_order_is_not_paid_again() {
    let app = TestApp::shared();
    let (seller, buyer) = (app.user().await, app.user().await);
    let order = buyer
        .hold_tickets(&seller.list_ticket(json!({"quantity": 3})).await, 3)
        .await;
    let clicks = join_all((0..5).map(|_| buyer.pay(&order, "tok_visa"))).await;
    let mut statuses = clicks.iter().map(|reply| reply.status.as_u16()).collect::<Vec<_>>();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409]);
    buyer.wait_for_status(&order, "complete").await;
    // The reason of the refusal changes when the payment service has consumed the completion.
    eventually("the payment service has the completed order", || async {
        let refused = buyer.pay(&order, "tok_visa").await.expect(409);
        (refused.problem().0 == "order-complete").then_some(())
    })
    .await;
    assert_eq!(amount_charged_once(app.stripe_simulator(), &order).await, 3 * 1999);
}

#[tokio::test]
async fn seed_fault_04_a_complete_order_is_not_cancelled_and_its_ticket_not_sold_again() {
    let app = TestApp::shared();
    let (seller, buyer, other_buyer) = (app.user().await, app.user().await, app.user().await);
    let ticket = seller.list_ticket(json!({})).await;
    let order = buyer.hold_tickets(&ticket, 1).await;
    buyer.buy(&order).await;
    assert_eq!(
        buyer.cancel_order(&order).await.expect(409).problem().0,
        "order-complete"
    );
    buyer.wait_for_status(&order, "complete").await;
    seller.wait_for_stock(&ticket, 0, 1).await;
    assert_eq!(
        other_buyer.place_order(&ticket, 1).await.expect(409).problem().0,
        "sold-out"
    );
}

/// The app checks for parked messages when it is dropped.
#[tokio::test]
async fn seed_fault_05_a_cancel_after_completion_blocks_no_consumer() {
    let app = TestApp::shared();
    let (seller, buyer, other_buyer) = (app.user().await, app.user().await, app.user().await);
    let ticket = seller.list_ticket(json!({"quantity": 2})).await;
    let order = buyer.hold_tickets(&ticket, 1).await;
    buyer.buy(&order).await;
    let _ = buyer.cancel_order(&order).await.expect(409);
    let next = other_buyer.hold_tickets(&ticket, 1).await;
    other_buyer.buy(&next).await;
    seller.wait_for_stock(&ticket, 0, 2).await;
}

#[tokio::test]
async fn seed_fault_06_an_old_timer_does_not_release_the_next_buyers_ticket() {
    let app = TestApp::shared();
    let (seller, buyer) = (app.user().await, app.user().await);
    let ticket = seller.list_ticket(json!({"orderWindowSeconds": 10})).await;
    let first = buyer.place_order(&ticket, 1).await.expect(201);
    let (first, deadline) = (first.text_at("/id"), first.text_at("/expiresAt"));
    let _ = buyer.cancel_order(&first).await.expect(204);
    seller.wait_for_stock(&ticket, 0, 0).await;
    // The second order has a longer window, so that only the timer of the first order can fire.
    let _ = seller
        .update_ticket(&ticket, json!({"orderWindowSeconds": 600}))
        .await
        .expect(200);
    let (other_buyer, second) = eventually("the order service has the new window", || async {
        // Cancelled orders of one buyer would be limited.
        let other_buyer = app.user().await;
        let order = other_buyer.place_order(&ticket, 1).await.expect(201);
        let (id, second_deadline) = (order.text_at("/id"), order.text_at("/expiresAt"));
        if minutes_between(&deadline, &second_deadline) >= 5 {
            return Some((other_buyer, id));
        }
        let _ = other_buyer.cancel_order(&id).await.expect(204);
        None
    })
    .await;
    // A timer that was set after the first one has fired, so the first one has fired as well.
    let marker = buyer
        .hold_tickets(&seller.list_ticket(json!({"orderWindowSeconds": 10})).await, 1)
        .await;
    buyer.wait_for_status(&marker, "cancelled").await;
    other_buyer.wait_for_status(&second, "created").await;
    seller.wait_for_stock(&ticket, 1, 0).await;
    assert_eq!(buyer.wait_for_status(&first, "cancelled").await["cancelReason"], "user");
    other_buyer.buy(&second).await;
}

fn minutes_between(earlier: &str, later: &str) -> u64 {
    let (earlier, later): (Timestamp, Timestamp) = (earlier.parse().unwrap(), later.parse().unwrap());
    earlier.until(later).as_secs() / 60
}

#[tokio::test]
async fn seed_fault_07_a_successful_charge_is_never_reported_as_failed() {
    let app = TestApp::new();
    let (seller, buyer) = (app.user().await, app.user().await);
    let order = buyer.hold_tickets(&seller.list_ticket(json!({})).await, 1).await;
    // Stripe authorises and captures; both responses are lost.
    app.stripe_simulator()
        .inject(Target::post("/v1/payment_intents"), Timing::After, Fault::Cut);
    app.stripe_simulator()
        .inject(Target::post("/v1/payment_intents/*/capture"), Timing::After, Fault::Cut);
    let client = buyer.client().clone().with("idempotency-key", "one-click");
    let body = json!({"orderId": order, "token": "tok_visa"});
    eventually("the payment is reported as created", || async {
        let reply = client.post("/api/v1/payments", body.clone()).await;
        assert!([201, 404, 503].contains(&reply.status.as_u16()), "{}", reply.text);
        (reply.status == 201).then_some(())
    })
    .await;
    buyer.wait_for_status(&order, "complete").await;
    assert_eq!(amount_charged_once(app.stripe_simulator(), &order).await, 1999);
    assert_eq!(payment_intents(app.stripe_simulator(), &order).await.len(), 1);
}

#[tokio::test]
async fn seed_fault_08_the_price_is_charged_to_the_cent() {
    let app = TestApp::shared();
    let (seller, buyer) = (app.user().await, app.user().await);
    for price in [
        json!(19.99),
        json!({"amount": 19.99, "currency": "usd"}),
        json!({"amount": "1999", "currency": "usd"}),
    ] {
        let refused = seller
            .client()
            .post("/api/v1/tickets", ticket_body(json!({"price": price})))
            .await;
        assert!(refused.status.is_client_error(), "{price}: {}", refused.text);
        assert!(refused.problem().1.starts_with("price"), "{}", refused.text);
    }
    let order = buyer
        .hold_tickets(&seller.list_ticket(json!({"quantity": 3})).await, 3)
        .await;
    buyer.buy(&order).await;
    assert_eq!(amount_charged_once(app.stripe_simulator(), &order).await, 5997);
    let order = buyer.wait_for(&format!("/api/v1/orders/{order}"), &[]).await;
    assert_eq!(order["total"], json!({"amount": 5997, "currency": "usd"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn seed_fault_09_a_crash_between_saving_and_publishing_loses_no_event() {
    let (data, broker) = (TestData::new(), TcpProxy::to_broker().await);
    let start = || {
        let mut command = dev_command(&data.folder());
        command.env("TICKETING_AMQP_URL", broker.broker_url());
        StackProcess::start(command)
    };
    let process = start();
    let client = process.client();
    let (seller, buyer) = (User::sign_up(&client).await, User::sign_up(&client).await);
    let ticket = seller.list_ticket(json!({"quantity": 2})).await;
    buyer.hold_tickets(&ticket, 1).await;
    seller.wait_for_stock(&ticket, 1, 0).await;
    // Nothing is published from here on.
    broker.disconnect();
    let order = buyer.hold_tickets(&ticket, 1).await;
    process.kill();

    broker.forward_to_broker();
    let process = start();
    let (seller, buyer) = (seller.with_url(process.url()), buyer.with_url(process.url()));
    seller.wait_for_stock(&ticket, 2, 0).await;
    buyer.buy(&order).await;
    seller.wait_for_stock(&ticket, 1, 1).await;
    process.stop();
    data.assert_consistent();
}

#[tokio::test]
async fn seed_fault_10_an_email_address_has_one_account() {
    let app = TestApp::shared();
    let client = app.client();
    let email = new_email();
    let sign_up = |email: String| client.post("/api/v1/auth/signup", json!({"email": email, "password": PASSWORD}));
    let both = join(sign_up(email.clone()), sign_up(email.to_uppercase())).await;
    let mut statuses = [both.0.status.as_u16(), both.1.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409], "{} {}", both.0.text, both.1.text);
    assert_eq!(
        sign_up(email).await.expect(409).problem(),
        ("email-taken".to_owned(), "email".to_owned())
    );
}

#[tokio::test]
async fn seed_fault_11_a_restart_loses_no_state() {
    let mut app = TestApp::new();
    let (seller, buyer) = (app.user().await, app.user().await);
    let (first, second) = (seller.list_ticket(json!({})).await, seller.list_ticket(json!({})).await);
    let expiring = seller.list_ticket(json!({"orderWindowSeconds": 10})).await;
    let bought = buyer.hold_tickets(&first, 1).await;
    buyer.buy(&bought).await;
    let held = buyer.hold_tickets(&second, 1).await;
    // Its timer is in the broker, or not yet published.
    let expiring_order = buyer.hold_tickets(&expiring, 1).await;

    app.restart();
    let (seller, buyer) = (seller.with_url(&app.url()), buyer.with_url(&app.url()));
    let _ = buyer.client().get("/api/v1/auth/users/current").await.expect(200);
    let credentials = json!({"email": buyer.email, "password": PASSWORD});
    let _ = app.client().post("/api/v1/auth/signin", credentials).await.expect(200);
    buyer.wait_for_status(&bought, "complete").await;
    seller.wait_for_stock(&first, 0, 1).await;
    seller.wait_for_stock(&second, 1, 0).await;
    buyer.buy(&held).await;
    let cancelled = buyer.wait_for_status(&expiring_order, "cancelled").await;
    assert_eq!(cancelled["cancelReason"], "expired");
    seller.wait_for_stock(&expiring, 0, 0).await;
}

#[tokio::test]
async fn seed_fault_12_a_payment_authorised_as_the_order_expires_is_voided() {
    // A payment that Stripe has not answered extends the deadline once.
    let app = TestApp::with(|settings| settings.order.payment_extension = Duration::from_secs(5));
    let (seller, buyer, other_buyer) = (app.user().await, app.user().await, app.user().await);
    let ticket = seller.list_ticket(json!({"orderWindowSeconds": 10})).await;
    let late = buyer.hold_tickets(&ticket, 1).await;
    let hold = app
        .stripe_simulator()
        .hold(Target::post("/v1/payment_intents"), Timing::Before);
    let client = buyer.client().clone();
    let body = json!({"orderId": late, "token": "tok_visa"});
    buyer.wait_for(&format!("/api/v1/expirations/{late}"), &[]).await;
    let (reply, ()) = join(client.post("/api/v1/payments", body), async {
        hold.wait_for_request().await;
        // The order expires before Stripe responds, and another buyer gets the ticket.
        buyer.wait_for_status(&late, "cancelled").await;
        let next = other_buyer.hold_tickets(&ticket, 1).await;
        hold.release();
        other_buyer.buy(&next).await;
        assert_eq!(amount_charged_once(app.stripe_simulator(), &next).await, 1999);
    })
    .await;
    assert!([402, 409, 503].contains(&reply.status.as_u16()), "{}", reply.text);
    let path = format!("/api/v1/payments?orderId={late}");
    buyer.wait_for(&path, &[("/items/0/status", json!("voided"))]).await;
    let intents = payment_intents(app.stripe_simulator(), &late).await;
    assert!(
        intents
            .iter()
            .all(|intent| intent["amount_received"] == 0 && intent["status"] == "canceled"),
        "{intents:#?}"
    );
    seller.wait_for_stock(&ticket, 0, 1).await;
}
