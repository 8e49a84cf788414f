//! What happens between order and payment: the time is up, tickets are gone, a second tab.

use fantoccini::Locator;
use serde_json::{Value, json};
use testkit::eventually;

use crate::{
    person::{APPROVED, Person},
    purchases::{concert, order_id},
    stripe::{amount_charged_once, payment_intents},
    test_app::TestApp,
};

fn concert_with(fields: Value) -> Value {
    let (Value::Object(mut all), Value::Object(fields)) = (concert(), fields) else {
        unreachable!("listings are objects")
    };
    all.extend(fields);
    Value::Object(all)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_expires_while_its_page_is_open() {
    let app = TestApp::shared();
    let fields = concert_with(json!({"orderWindowSeconds": 10, "quantity": 1}));
    let listing = app.user().await.list_ticket(fields).await;
    let buyer = Person::signed_up(&app, "buyer").await;
    let order = buyer.order(&listing, 1).await;
    // Without a reload.
    buyer.browser.sees("Your order has expired").await;
    buyer.browser.sees("You were not charged.").await;
    buyer.browser.inspect("order-expired").await;
    buyer.browser.press("Order again").await;
    buyer.browser.arrives_at(&format!("/events/{listing}")).await;
    let charged = payment_intents(app.stripe_simulator(), order_id(&order)).await;
    assert!(
        charged.iter().all(|intent| intent["amount_received"] == 0),
        "{charged:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_tickets_go_while_somebody_looks_at_the_event() {
    let app = TestApp::shared();
    let listing = app.user().await.list_ticket(concert_with(json!({"quantity": 1}))).await;
    let (first, second) = (
        Person::signed_up(&app, "first").await,
        Person::signed_up(&app, "second").await,
    );
    second.browser.open(&format!("/events/{listing}")).await;
    let order = first.order(&listing, 1).await;
    // The notice that appears above the button moves it.
    second.browser.sees("The offer has changed meanwhile.").await;
    // The button was there when the page was loaded.
    second.browser.expect_console("status of 409");
    second.order_at_once(1).await;
    second.browser.sees("These tickets are gone").await;
    second.browser.inspect("order-refused-sold-out").await;
    second.browser.open(&format!("/events/{listing}")).await;
    second.browser.inspect("event-sold-out").await;
    // The tickets of somebody who fills in a card are held.
    first.pay_with(APPROVED).await;
    first.browser.sees("The tickets are yours").await;
    assert_eq!(
        amount_charged_once(app.stripe_simulator(), order_id(&order)).await,
        1999
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_in_a_second_tab_follows_the_payment_in_the_first() {
    let app = TestApp::shared();
    let listing = app.user().await.list_ticket(concert()).await;
    let buyer = Person::signed_up(&app, "buyer").await;
    let (browser, client) = (&buyer.browser, buyer.browser.client());
    let order = buyer.order(&listing, 1).await;
    let first = client.window().await.unwrap();
    let second = client.new_window(true).await.unwrap().handle;
    client.switch_to_window(second.clone()).await.unwrap();
    browser.open(&order).await;
    buyer.start_payment().await;
    client.switch_to_window(first).await.unwrap();
    buyer.pay_with(APPROVED).await;
    browser.sees("The tickets are yours").await;
    client.switch_to_window(second).await.unwrap();
    browser.sees("The tickets are yours").await;
    assert_eq!(
        amount_charged_once(app.stripe_simulator(), order_id(&order)).await,
        1999
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_order_shows_so_and_is_never_charged() {
    let app = TestApp::shared();
    let listing = app.user().await.list_ticket(concert()).await;
    let buyer = Person::signed_up(&app, "buyer").await;
    buyer.order(&listing, 1).await;
    buyer.start_payment().await;
    // The button is shown by the summary of the same name.
    buyer.browser.press("Cancel this order").await;
    buyer.browser.press_button("Cancel this order").await;
    buyer.browser.sees("You cancelled this order").await;
    buyer.browser.inspect("order-cancelled").await;
    buyer.browser.back().await;
    buyer.browser.sees("You cancelled this order").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tickets_whose_time_is_up_while_a_card_is_filled_in_go_to_somebody_else_who_alone_is_charged() {
    let app = TestApp::shared();
    let fields = |seconds| concert_with(json!({"orderWindowSeconds": seconds, "quantity": 1}));
    let seller = app.user().await;
    let listing = seller.list_ticket(fields(40)).await;
    let (slow, fast) = (
        Person::signed_up(&app, "slow").await,
        Person::signed_up(&app, "fast").await,
    );
    let lost = slow.order(&listing, 1).await;
    // The other one has time enough.
    let _ = seller.update_ticket(&listing, fields(600)).await.expect(200);
    slow.start_payment().await;
    slow.browser.enter_frame("#payment-element iframe").await;
    slow.browser.fill("Card number", APPROVED).await;
    slow.browser.leave_frame().await;
    slow.browser.sees("Your order has expired").await;
    assert_eq!(slow.browser.count("[data-card]").await, 0);
    slow.browser.sees("You were not charged.").await;

    let client = fast.browser.client();
    eventually("the ticket is on sale again", || async {
        fast.browser.open(&format!("/events/{listing}")).await;
        client.find(Locator::Css("#quantity")).await.ok()
    })
    .await;
    fast.order_at_once(1).await;
    fast.browser.arrives_at("/orders/").await;
    let won = fast.browser.path().await;
    fast.pay_with(APPROVED).await;
    fast.browser.sees("The tickets are yours").await;
    // Neither going back nor a reload brings the form of the other one back.
    slow.browser.back().await;
    slow.browser.open(&lost).await;
    slow.browser.reload().await;
    slow.browser.sees("Your order has expired").await;
    assert_eq!(amount_charged_once(app.stripe_simulator(), order_id(&won)).await, 1999);
    let charged = payment_intents(app.stripe_simulator(), order_id(&lost)).await;
    assert!(
        charged.iter().all(|intent| intent["amount_received"] == 0),
        "{charged:?}"
    );
}
