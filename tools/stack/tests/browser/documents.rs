//! The API reference in a browser.

use crate::{
    browser::{Browser, Setup},
    test_app::TestApp,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_api_reference_is_rendered_within_its_content_security_policy() {
    let app = TestApp::shared();
    let browser = Browser::start("reader", &app.url(), Setup::default()).await;
    browser.open("/docs").await;
    browser.sees("/api/v1/orders").await;
    browser.sees("Order tickets").await;
}
