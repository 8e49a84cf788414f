//! Buying in other ways than with a mouse on a large screen with scripts.

use fantoccini::{Locator, key::Key};
use testkit::eventually;

use crate::{
    admissions::{take, undo_check_in},
    browser::Setup,
    look::{Device, Scheme},
    person::{APPROVED, Person, START_PAYMENT},
    purchases::{concert, order_id},
    stripe::amount_charged_once,
    test_app::TestApp,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_in_the_dark_buys_tickets() {
    let app = TestApp::shared();
    let listing = app.user().await.list_ticket(concert()).await;
    let setup = Setup {
        device: Device::Phone,
        scheme: Scheme::Dark,
        ..Setup::default()
    };
    let buyer = Person::signed_up_with(&app, "buyer", setup).await;
    let order = buyer.order(&listing, 1).await;
    buyer.pay_with(APPROVED).await;
    buyer.browser.sees("The tickets are yours").await;
    assert_eq!(
        amount_charged_once(app.stripe_simulator(), order_id(&order)).await,
        1999
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_but_the_card_works_without_scripts() {
    let app = TestApp::shared();
    let listing = app.user().await.list_ticket(concert()).await;
    let setup = Setup {
        scripts: false,
        ..Setup::default()
    };
    let buyer = Person::signed_up_with(&app, "buyer", setup).await;
    let browser = &buyer.browser;
    browser.open("/").await;
    browser.press(concert()["title"].as_str().unwrap()).await;
    browser.arrives_at("/events/").await;
    let order = buyer.order(&listing, 2).await;
    eventually("the payment is started", || async {
        if let Some(button) = browser.find_now(START_PAYMENT).await {
            button.click().await.ok()?;
        }
        let text = browser.text().await;
        text.contains("Paying by card needs JavaScript").then_some(())
    })
    .await;
    browser.sees("Held for you until").await;
    browser.press("Cancel this order").await;
    browser.press_button("Cancel this order").await;
    browser.sees("You cancelled this order").await;
    browser.open("/orders").await;
    browser.sees("Cancelled").await;
    browser.open(&order).await;
    browser.sees("You cancelled this order").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keyboard_is_enough_to_buy() {
    let app = TestApp::shared();
    let listing = app.user().await.list_ticket(concert()).await;
    let buyer = Person::new(&app, "buyer", Setup::default()).await;
    let browser = &buyer.browser;
    browser.open("/signup").await;
    // The first stop leads past the navigation.
    buyer.press_keys(&[Key::Tab, Key::Enter]).await;
    browser.tab_to("Email address").await;
    browser.type_text(&buyer.email).await;
    browser.tab_to("Password").await;
    browser.type_text(crate::user::PASSWORD).await;
    buyer.press_keys(&[Key::Enter]).await;
    browser.sees("My tickets").await;
    browser.open(&format!("/events/{listing}")).await;
    browser.tab_to("Buy").await;
    buyer.press_keys(&[Key::Enter]).await;
    browser.arrives_at("/orders/").await;
    let order = browser.path().await;
    eventually("the order can be paid", || async {
        // The page may be replaced at any time.
        if let Some(button) = browser.find_now(START_PAYMENT).await {
            browser.try_tab_to("Pay by card").await.ok()?;
            let focused = browser.client().active_element().await.ok()?;
            focused.send_keys(&char::from(Key::Enter).to_string()).await.ok()?;
            eventually("the button is gone with its page", || async {
                button.is_displayed().await.is_err().then_some(())
            })
            .await;
        }
        (browser.count("#payment-element iframe").await > 0).then_some(())
    })
    .await;
    browser.enter_frame("#payment-element iframe").await;
    let number = browser.field("Card number").await;
    let (tab, enter) = (char::from(Key::Tab), char::from(Key::Enter));
    number
        .send_keys(&format!("{APPROVED}{tab}1234{tab}123{enter}"))
        .await
        .unwrap();
    browser.leave_frame().await;
    browser.sees("The tickets are yours").await;
    assert_eq!(
        amount_charged_once(app.stripe_simulator(), order_id(&order)).await,
        1999
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_in_german_has_no_english() {
    let app = TestApp::shared();
    let listing = app.user().await.list_ticket(concert()).await;
    let setup = Setup {
        language: "de",
        ..Setup::default()
    };
    let buyer = Person::new(&app, "heike", setup).await;
    let browser = &buyer.browser;
    browser.open("/signup").await;
    browser.fill("E-Mail", &buyer.email).await;
    browser.fill("Passwort", crate::user::PASSWORD).await;
    browser
        .find(Locator::Css("main form button"))
        .await
        .click()
        .await
        .unwrap();
    browser.sees("Meine Karten").await;
    browser.open(&format!("/events/{listing}")).await;
    browser.inspect("event-german").await;
    browser.press_button("Kaufen").await;
    browser.arrives_at("/orders/").await;
    let order = browser.path().await;
    buyer.start_payment().await;
    browser.inspect("order-card-german").await;
    browser.enter_frame("#payment-element iframe").await;
    for (label, value) in [
        ("Kartennummer", APPROVED),
        ("Ablaufdatum", "1234"),
        ("Sicherheitscode", "123"),
    ] {
        browser.fill(label, value).await;
    }
    browser.leave_frame().await;
    buyer.send_card().await;
    browser.sees("Die Karten gehören Ihnen").await;
    browser.open("/orders").await;
    assert_eq!(
        amount_charged_once(app.stripe_simulator(), order_id(&order)).await,
        1999
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seller_needs_no_scripts_from_the_first_listing_to_the_last_refund() {
    let app = TestApp::shared();
    let setup = Setup {
        scripts: false,
        ..Setup::default()
    };
    let seller = Person::signed_up_with(&app, "seller", setup).await;
    let browser = &seller.browser;
    seller.sign_out().await;
    browser.open("/signin").await;
    seller.sign_in().await;
    let sales = seller.list_event().await;
    let listing = sales.strip_prefix("/sell/").unwrap();
    browser.press("Edit").await;
    browser.fill("Price of one ticket", "0").await;
    browser.press_button("Save changes").await;
    browser.sees("Nobody has ordered yet.").await;
    let buyer = app.user().await;
    let tickets = take(buyer.client(), listing, 2).await;
    browser.open(&format!("{sales}/check-in")).await;
    let code = tickets[0]["code"].as_str().unwrap();
    seller.enter_code(code, "Let this person in.").await;
    browser.expect_console("status of 409");
    seller.enter_code(code, "Already used").await;
    undo_check_in(browser).await;
    browser.open(&format!("{sales}/withdraw")).await;
    browser.sees("The 2 tickets sold are void").await;
    browser.press_button("Withdraw for good").await;
    browser.sees("The listing is withdrawn.").await;
}
