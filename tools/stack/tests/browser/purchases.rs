//! Buying tickets with a card.

use fantoccini::Locator;
use serde_json::json;
use testkit::eventually;

use crate::{
    person::{APPROVED, AUTHENTICATED, Person, WITHOUT_FUNDS},
    stripe::amount_charged_once,
    test_app::TestApp,
};

/// Returns the id of an order from the path of its page.
pub(crate) fn order_id(path: &str) -> &str {
    path.strip_prefix("/orders/").unwrap().split('?').next().unwrap()
}

/// The fields of a listing for these tests.
pub(crate) fn concert() -> serde_json::Value {
    json!({
        "title": "The Lighthouse Keepers, live",
        "description": "Songs about the sea, and one about the land.",
        "venue": "Harbour Hall, Hamburg",
        "startsAt": "2030-06-12T18:00:00Z",
        "quantity": 100,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_buys_tickets_and_going_back_or_reloading_buys_nothing_more() {
    let app = TestApp::shared();
    let listing = app.user().await.list_ticket(concert()).await;
    let buyer = Person::signed_up(&app, "buyer").await;
    let browser = &buyer.browser;
    let order = buyer.order(&listing, 2).await;
    browser.reload().await;
    buyer.start_payment().await;
    browser.reload().await;
    buyer.start_payment().await;
    browser.inspect("order-card").await;
    buyer.enter_card(APPROVED).await;
    buyer.send_card().await;
    browser.sees("The tickets are yours").await;
    browser.inspect("order-complete").await;
    browser.reload().await;
    browser.sees("The tickets are yours").await;
    // Back to the event, past every form of the order.
    for _ in 0..8 {
        browser.back().await;
        let is_event = eventually("the page before is shown", || async {
            let is_event = browser.path().await.starts_with("/events/");
            let is_order = browser.text().await.contains("The tickets are yours");
            (is_event || is_order).then_some(is_event)
        });
        if is_event.await {
            break;
        }
        assert_eq!(browser.count("#payment-element").await, 0);
    }
    browser.arrives_at("/events/").await;
    browser.open(&order).await;
    browser.sees("The tickets are yours").await;
    assert_eq!(browser.count("#payment-element").await, 0);
    browser.open("/orders").await;
    browser.sees("Complete").await;
    browser.inspect("orders").await;
    assert_eq!(
        amount_charged_once(app.stripe_simulator(), order_id(&order)).await,
        3998
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_declined_card_another_one_pays() {
    let app = TestApp::shared();
    let listing = app.user().await.list_ticket(concert()).await;
    let buyer = Person::signed_up(&app, "buyer").await;
    // The provider declines with this status.
    buyer.browser.expect_console("status of 402");
    let order = buyer.order(&listing, 1).await;
    buyer.pay_with(WITHOUT_FUNDS).await;
    buyer.browser.sees("insufficient funds").await;
    buyer.browser.inspect("order-card-declined").await;
    buyer.enter_card(APPROVED).await;
    buyer.send_card().await;
    buyer.browser.sees("The tickets are yours").await;
    assert_eq!(
        amount_charged_once(app.stripe_simulator(), order_id(&order)).await,
        1999
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bank_asks_and_the_buyer_refuses_then_approves() {
    let app = TestApp::shared();
    let listing = app.user().await.list_ticket(concert()).await;
    let buyer = Person::signed_up(&app, "buyer").await;
    let order = buyer.order(&listing, 1).await;
    buyer.pay_with(AUTHENTICATED).await;
    buyer.answer_bank("Refuse").await;
    buyer
        .browser
        .sees("We are unable to authenticate your payment method")
        .await;
    buyer.enter_card(AUTHENTICATED).await;
    buyer.send_card().await;
    buyer.answer_bank("Approve").await;
    buyer.browser.sees("The tickets are yours").await;
    assert_eq!(
        amount_charged_once(app.stripe_simulator(), order_id(&order)).await,
        1999
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_reloaded_at_the_question_of_the_bank_asks_again_and_charges_once() {
    let app = TestApp::shared();
    let listing = app.user().await.list_ticket(concert()).await;
    let buyer = Person::signed_up(&app, "buyer").await;
    let order = buyer.order(&listing, 1).await;
    buyer.pay_with(AUTHENTICATED).await;
    buyer.browser.find(Locator::Css("dialog iframe")).await;
    buyer.browser.reload().await;
    buyer.browser.sees("Your bank asks you").await;
    buyer.browser.inspect("order-bank-asks").await;
    buyer.browser.reload().await;
    buyer.browser.press_button("Continue with your bank").await;
    buyer.answer_bank("Approve").await;
    buyer.browser.sees("The tickets are yours").await;
    buyer.browser.reload().await;
    buyer.browser.sees("The tickets are yours").await;
    assert_eq!(
        amount_charged_once(app.stripe_simulator(), order_id(&order)).await,
        1999
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_is_requested_on_a_page_and_reloaded_is_requested_once() {
    let app = TestApp::shared();
    let listing = app.user().await.list_ticket(concert()).await;
    let buyer = Person::signed_up(&app, "buyer").await;
    let browser = &buyer.browser;
    let order = buyer.order(&listing, 2).await;
    buyer.pay_with(APPROVED).await;
    browser.sees("The tickets are yours").await;
    browser.open(&order).await;
    browser.press("Give tickets back").await;
    browser.fill("How many tickets", "1").await;
    browser.fill("Reason", "I am ill.").await;
    browser.press_button("Ask for a refund").await;
    browser.sees("The seller has not decided yet.").await;
    browser.inspect("order-refund-requested").await;
    browser.reload().await;
    browser.sees("The seller has not decided yet.").await;
    browser.back().await;
    browser.open(&order).await;
    assert_eq!(browser.count("#refunds li").await, 1);
}
