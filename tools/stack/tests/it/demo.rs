use std::time::Duration;

use crate::town::Town;

#[tokio::test]
async fn the_demo_goes_as_told() {
    let town = Town::shared();
    stack::demo::run(&town.url(), Duration::from_secs(30), |line| println!("{line}"))
        .await
        .unwrap();
}

#[tokio::test]
async fn the_demo_says_what_it_expected_and_what_came() {
    let failed = stack::demo::run("http://127.0.0.1:9", Duration::from_secs(1), |_| {})
        .await
        .unwrap_err()
        .to_string();
    assert!(failed.contains("Ada signs up: expected an answer"), "{failed}");
    assert!(failed.contains("is the stack running?"), "{failed}");
}
