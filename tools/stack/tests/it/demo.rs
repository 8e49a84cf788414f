use std::time::Duration;

use crate::test_app::TestApp;

#[tokio::test]
async fn the_demo_succeeds() {
    let app = TestApp::shared();
    stack::demo::run(&app.url(), Duration::from_secs(30), |line| println!("{line}"))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_failed_demo_step_names_the_expected_and_the_actual_response() {
    let failed = stack::demo::run("http://127.0.0.1:9", Duration::from_secs(1), |_| {})
        .await
        .unwrap_err()
        .to_string();
    assert!(failed.contains("Ada signs up: expected a response to POST"), "{failed}");
    assert!(failed.contains("is the stack running?"), "{failed}");
}
