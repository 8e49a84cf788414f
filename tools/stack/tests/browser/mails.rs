//! The mails of the development stack in a browser.

use std::fs;

use fantoccini::Locator;
use serde_json::json;

use crate::{
    browser::{Browser, Setup},
    person::Person,
    test_app::TestApp,
};

/// Its script would change the title, its frame would cover the page, and its picture would report that it was read.
const HOSTILE: &str = "From: Mallory <mallory@example.org>\r\nTo: ada@example.org\r\nSubject: Hostile\r\n\
    Content-Type: text/html; charset=utf-8\r\n\r\n\
    <title>Mine</title><script>parent.document.title = 'Mine'; document.body.append('A script has run')</script>\
    <p onclick=\"alert(1)\">Hello</p><form action=\"http://127.0.0.1:1/\"><button>Send</button></form>\
    <a target=\"_top\" href=\"http://127.0.0.1:1/top\">Leave</a><img alt=\"\" src=\"http://127.0.0.1:1/read\">\
    <iframe src=\"http://127.0.0.1:1/\"></iframe>\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn mails_are_listed_and_read_in_every_look_and_their_links_lead_to_the_pages() {
    let app = TestApp::shared();
    let reader = Person::signed_up(&app, "reader").await;
    let browser = &reader.browser;
    reader.open_mail(&app, "Confirm your email address").await;
    browser.inspect("mail").await;
    browser.open_elsewhere(&app.mail_pages()).await;
    browser.inspect("mails").await;
    reader.open_mail(&app, "Confirm your email address").await;
    reader.follow_link_of_mail("Confirm address").await;
    browser.press_button("Confirm the address").await;
    browser.sees("Your address is confirmed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_mail_changes_nothing_and_leads_nowhere() {
    let app = TestApp::new();
    fs::write(app.mail_folder().join("hostile.eml"), HOSTILE).unwrap();
    let browser = Browser::start("reader", &app.mail_pages(), Setup::default()).await;
    for refused in [
        "Content Security Policy",
        "sandboxed",
        "Refused to",
        "Blocked",
        "Unsafe attempt",
        "Failed to load",
    ] {
        browser.expect_console(refused);
    }
    browser.open("/mails/hostile.eml").await;
    browser.enter_frame("iframe").await;
    browser.sees("Hello").await;
    browser.press("Send").await;
    browser.press("Leave").await;
    let text = browser.text().await;
    assert!(!text.contains("A script has run"), "{text}");
    browser.leave_frame().await;
    assert_eq!(browser.path().await, "/mails/hostile.eml");
    assert_eq!(browser.client().title().await.unwrap(), "Hostile");
    // The address of the frame alone is as harmless.
    browser.open("/mails/hostile.eml/html").await;
    browser.sees("Hello").await;
    let origin = browser.client().execute("return self.origin", vec![]).await;
    assert!(origin.is_err() || origin.unwrap() == json!("null"));
    let body = browser.find(Locator::Css("body")).await.text().await.unwrap();
    assert!(!body.contains("A script has run"), "{body}");
}
