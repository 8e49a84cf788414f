//! Two people, from an empty database to the door, by pages alone.

use fantoccini::Locator;

use crate::{
    Client,
    browser::Setup,
    look::{Device, Scheme},
    person::{APPROVED, Person},
    purchases::order_id,
    stripe::amount_charged_once,
    test_app::TestApp,
};

#[tokio::test(flavor = "multi_thread")]
async fn two_people_get_from_an_empty_marketplace_through_the_door_by_pages_alone() {
    let app = TestApp::new();
    let seller = Person::new(&app, "seller", Setup::default()).await;
    let phone = Setup {
        device: Device::Phone,
        scheme: Scheme::Dark,
        ..Setup::default()
    };
    let buyer = Person::new(&app, "buyer", phone).await;

    let browser = &seller.browser;
    browser.open("/").await;
    browser.sees("Nothing is on sale yet").await;
    browser.inspect("home-empty").await;
    browser.press("Sell tickets").await;
    browser.arrives_at("/signin").await;
    browser.press("Create an account").await;
    seller.sign_up().await;
    browser.arrives_at("/sell").await;
    browser.inspect("sell-empty").await;
    browser.press("Create a listing").await;
    browser.arrives_at("/sell/new").await;
    browser.inspect("sell-new").await;
    let sales = seller.list_event().await;
    browser.inspect("sales-empty").await;

    // Buying leads to an account, and back.
    let browser = &buyer.browser;
    browser.open("/").await;
    browser.press("The Lighthouse Keepers, live").await;
    browser.arrives_at("/events/").await;
    let event = browser.path().await;
    buyer.order_at_once(2).await;
    browser.arrives_at("/signin").await;
    browser.press("Create an account").await;
    buyer.sign_up().await;
    browser.arrives_at(&event).await;
    buyer.order_at_once(2).await;
    browser.arrives_at("/orders/").await;
    let order = browser.path().await;
    buyer.pay_with(APPROVED).await;
    browser.sees("The tickets are yours").await;
    assert_eq!(
        amount_charged_once(app.stripe_simulator(), order_id(&order)).await,
        3998
    );

    // The mail, with tickets to print.
    buyer
        .open_mail(&app, "Your 2 tickets for The Lighthouse Keepers, live")
        .await;
    browser.inspect("mail-of-the-order").await;
    let attachment = browser.find(Locator::Css("a[href*='/attachments/']")).await;
    let attachment = attachment.attr("href").await.unwrap().unwrap();
    let attached = Client::new(app.mail_pages()).get(&attachment).await.expect(200);
    assert!(attached.bytes.starts_with(b"%PDF-"), "{attached:?}");
    buyer.follow_link_of_mail("Open your order").await;
    browser.arrives_at(order.split('?').next().unwrap()).await;
    browser.press("Show my tickets").await;
    browser.sees("Ticket 2 of 2").await;
    let passes = browser.find(Locator::Css("a[download]")).await.attr("href").await;
    let passes = browser.beginning_of(&passes.unwrap().unwrap()).await;
    assert!(passes.starts_with("%PDF-"), "{passes}");
    browser.find(Locator::Css("h3 a")).await.click().await.unwrap();
    browser.sees("Show this code at the door.").await;
    let code = browser
        .find(Locator::Css(".pass__code code"))
        .await
        .text()
        .await
        .unwrap();

    // The door.
    let door = &seller.browser;
    door.open(&sales).await;
    door.sees(&buyer.email).await;
    door.inspect("sales").await;
    door.press("Check-in").await;
    door.arrives_at(&format!("{sales}/check-in")).await;
    seller.enter_code(&code, "Let this person in.").await;
    door.expect_console("status of 409");
    seller.enter_code(&code, "Already used").await;
    door.inspect("check-in-refused").await;
    browser.reload().await;
    browser.sees("Somebody was admitted with this ticket.").await;
    browser.inspect("ticket-used").await;
}
