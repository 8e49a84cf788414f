//! Signing up, in and out.

use crate::{
    browser::{Browser, Setup},
    look::Device,
    person::Person,
    test_app::TestApp,
    user::PASSWORD,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_new_person_signs_up_out_and_in_again() {
    let app = TestApp::shared();
    let person = Person::new(&app, "ada", Setup::default()).await;
    let browser = &person.browser;
    browser.open("/").await;
    browser.press("Sign in").await;
    browser.inspect("sign-in").await;
    browser.press("Create an account").await;
    browser.inspect("sign-up").await;
    person.sign_up().await;
    browser.inspect("home-signed-in").await;
    person.sign_out().await;
    browser.open("/signin").await;
    person.sign_in().await;
    browser.reload().await;
    browser.sees("My tickets").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_stand_beside_their_fields() {
    let app = TestApp::shared();
    let person = Person::new(&app, "ada", Setup::default()).await;
    let browser = &person.browser;
    // A page with the status of its error is a message of the console.
    browser.expect_console("status of 4");
    browser.open("/signup").await;
    browser.fill("Email address", "ada").await;
    browser.fill("Password", "short").await;
    browser.press("Create account").await;
    browser.sees("Please check these entries").await;
    browser.inspect("sign-up-errors").await;
    let described = browser
        .field("Email address")
        .await
        .attr("aria-describedby")
        .await
        .unwrap();
    assert!(described.unwrap_or_default().contains("email-error"));
    person.sign_up().await;
    person.sign_out().await;
    browser.open("/signin").await;
    browser.fill("Email address", &person.email).await;
    browser.fill("Password", &format!("{PASSWORD}?")).await;
    browser.press_button("Sign in").await;
    browser.sees("The address or the password is wrong.").await;
    browser.inspect("sign-in-errors").await;
    person.sign_in().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_needs_an_account_is_shown_after_signing_in() {
    let app = TestApp::shared();
    let person = Person::new(
        &app,
        "ada",
        Setup {
            device: Device::Phone,
            ..Setup::default()
        },
    )
    .await;
    person.browser.open("/orders").await;
    person.browser.arrives_at("/signin").await;
    person.browser.press("Create an account").await;
    person.sign_up().await;
    person.browser.arrives_at("/orders").await;
    person.browser.sees("You have not ordered anything yet.").await;
    person.browser.inspect("orders-empty").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_german_browser_gets_german_pages_and_can_choose_english() {
    let app = TestApp::shared();
    let setup = Setup {
        language: "de",
        ..Setup::default()
    };
    let browser = Browser::start("heike", &app.url(), setup).await;
    browser.open("/signin").await;
    browser.sees("Passwort").await;
    browser.inspect("sign-in-german").await;
    browser.press("English").await;
    browser.sees("Password").await;
}
