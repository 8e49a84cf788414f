//! The clock of the machine is set back while the services run.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use values::Clock;

use crate::{
    test_app::TestApp,
    user::{PASSWORD, User},
};

/// Signs a user in again: tokens from after the jump are not valid yet.
async fn sign_in_again(app: &TestApp, user: &User) -> User {
    let credentials = json!({"email": user.email, "password": PASSWORD});
    let session = app.client().post("/api/v1/auth/signin", credentials).await.expect(200);
    user.with_token(&app.url(), &session.text_at("/accessToken"))
}

/// Sells, orders, pays, refunds, cancels and withdraws. Returns a listing and an order that stay open.
async fn trade(seller: &User, buyer: &User) -> (String, String) {
    let ticket = seller.list_ticket(json!({"quantity": 9})).await;
    let paid = buyer.hold_tickets(&ticket, 2).await;
    buyer.buy(&paid).await;
    let cancelled = buyer.hold_tickets(&ticket, 1).await;
    let reply = buyer.cancel_order(&cancelled).await;
    assert!(reply.status.is_success(), "{}", reply.text);
    let open = buyer.hold_tickets(&ticket, 1).await;
    seller
        .update_ticket(&ticket, json!({"quantity": 10}))
        .await
        .expect(200)
        .json();
    (ticket, open)
}

#[tokio::test]
async fn every_database_stays_sound_when_the_clock_is_set_back_by_an_hour() {
    let clock = Clock::manual(Clock::system().now());
    let app = TestApp::with(|settings| settings.clock = clock.clone());
    let (seller, buyer) = (app.user().await, app.user().await);
    let (ticket, order) = trade(&seller, &buyer).await;

    clock.set_back(Duration::from_hours(1));
    let (seller, buyer) = (sign_in_again(&app, &seller).await, sign_in_again(&app, &buyer).await);
    // What was begun before the jump is finished after it.
    buyer.buy(&order).await;
    let withdrawn = seller.withdraw_ticket(&ticket).await;
    assert!(withdrawn.status.is_success(), "{}", withdrawn.text);
    trade(&seller, &buyer).await;
    let sign_out = seller.client().send(Method::POST, "/api/v1/auth/signout", None).await;
    sign_out.expect(200).json();
    // The databases are checked when the stack is dropped.
}
