//! Pages that everybody can open: looks, weight, scores.

use serde_json::json;

use crate::{
    browser::{Browser, Setup},
    lighthouse::assert_good_scores,
    person::Person,
    purchases::concert,
    test_app::TestApp,
};

/// The most bytes that a page transfers on its first load, without pictures of listings.
const MOST_BYTES: u64 = 100_000;

#[tokio::test(flavor = "multi_thread")]
async fn public_pages_are_accessible_in_every_look() {
    let app = TestApp::shared();
    let listing = app.user().await.list_ticket(concert()).await;
    let browser = Browser::start("visitor", &app.url(), Setup::default()).await;
    browser.open("/").await;
    browser.sees("Lighthouse Keepers").await;
    browser.inspect("home").await;
    browser.open(&format!("/events/{listing}")).await;
    browser.sees("Harbour Hall").await;
    browser.inspect("event").await;
    browser.open("/developers").await;
    browser.inspect("developers").await;
    browser.open("/?q=nothing-has-this-title").await;
    browser.inspect("home-nothing-found").await;
    // A page that reports an error is a message of the console.
    browser.expect_console("status of 404");
    browser.open("/nowhere").await;
    browser.sees("Page not found").await;
    browser.inspect("not-found").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_event_says_so() {
    let app = TestApp::shared();
    let seller = app.user().await;
    let listing = seller.list_ticket(concert()).await;
    let _ = seller.withdraw_ticket(&listing).await.expect(204);
    let browser = Browser::start("visitor", &app.url(), Setup::default()).await;
    browser.open(&format!("/events/{listing}")).await;
    browser.sees("withdrawn").await;
    browser.inspect("event-withdrawn").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_weighs_more_than_a_hundred_kilobytes() {
    let app = TestApp::shared();
    let seller = app.user().await;
    let listing = seller.list_ticket(concert()).await;
    for _ in 0..30 {
        seller.list_ticket(json!({})).await;
    }
    let browser = Browser::start("visitor", &app.url(), Setup::default()).await;
    let paths = [
        "/".to_owned(),
        format!("/events/{listing}"),
        "/signup".to_owned(),
        "/signin".to_owned(),
    ];
    for path in &paths {
        assert_light(&browser, path).await;
    }
    let buyer = Person::signed_up(&app, "buyer").await;
    let order = buyer.order(&listing, 1).await;
    buyer.start_payment().await;
    for path in [&order, "/orders"] {
        assert_light(&buyer.browser, path).await;
    }
}

async fn assert_light(browser: &Browser, path: &str) {
    let responses = browser.first_load(path).await;
    let total: u64 = responses.values().sum();
    eprintln!("{path}: {total} bytes in {} responses", responses.len());
    assert!(total <= MOST_BYTES, "{path}: {responses:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lighthouse_gives_good_scores_to_home_event_and_checkout() {
    let app = TestApp::shared();
    let listing = app.user().await.list_ticket(concert()).await;
    for path in ["/".to_owned(), format!("/events/{listing}")] {
        assert_good_scores(&format!("{}{path}", app.url()), "");
    }
    let buyer = Person::signed_up(&app, "buyer").await;
    let order = buyer.order(&listing, 1).await;
    buyer.start_payment().await;
    let cookies = buyer.browser.cookies().await;
    assert_good_scores(&format!("{}{order}", app.url()), &cookies);
}
