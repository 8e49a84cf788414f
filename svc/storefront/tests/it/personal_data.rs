//! The file with everything that is stored about a person.

use std::pin::pin;

use futures_util::future;
use serde_json::{Value, json};

use crate::shop::Shop;

const FILE: &str = "/account/data.json";

#[tokio::test(flavor = "multi_thread")]
async fn a_person_downloads_what_all_services_store() {
    let shop = Shop::open().await;
    let browser = shop.browser();
    browser.sign_up("ada@example.com").await;
    let seller = shop.account("grace@example.com").await;
    let listing = shop.list(&seller, json!({"quantity": 200})).await;
    // More listings than a page of an export has.
    let own = shop.api().bearer(&browser.cookie("ticketing_session").unwrap().value);
    for number in 0..102 {
        let title = json!({"title": format!("Concert {number}")});
        let _ = shop.list(&own, title).await;
    }
    let order = json!({"ticketId": listing, "quantity": 2});
    let order = own.post_when_replicated("/api/v1/orders", order).await.expect(201);

    let page = browser.get("/account/data").await.expect(200).html();
    assert!(page.all("a").any(|link| link.get("href") == Some(FILE)));
    let file = testkit::eventually("every service has the account", async || {
        let file = browser.get(FILE).await.expect(200);
        let data: Value = serde_json::from_str(&file.body).unwrap();
        let is_known = |service: &str| data[service]["email"] == "ada@example.com";
        (is_known("ticket") && is_known("notification")).then_some(file)
    })
    .await;
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"data.json\"");
    assert_eq!(file.header("cache-control"), "no-store");
    let data: Value = serde_json::from_str(&file.body).unwrap();
    let names: Vec<_> = data.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        ["exportedAt", "auth", "ticket", "order", "payment", "notification"]
    );
    assert_eq!(data["auth"]["email"], "ada@example.com");
    assert_eq!(data["auth"]["activity"][0]["action"], "sign-up");
    assert_eq!(data["ticket"]["listings"].as_array().unwrap().len(), 102);
    assert_eq!(data["order"]["orders"], json!([order.json()]));
    assert_eq!(data["payment"]["payments"], json!([]));
    assert!(data["notification"]["mails"].is_array());
    assert!(!file.body.contains("grace@example.com") && !file.body.contains("nextCursor"));
    // The tokens were renewed for the file: the browser stays signed in with the new ones.
    let _ = browser.get("/account").await.expect(200);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incomplete_file_is_not_sent_and_nobody_gets_that_of_others() {
    let mut shop = Shop::open().await;
    for path in ["/account/data", FILE] {
        let sign_in = shop.browser().get(path).await.expect(303);
        assert!(sign_in.header("location").starts_with("/signin?next="), "{path}");
    }
    let browser = shop.browser();
    browser.sign_up("ada@example.com").await;
    shop.stop_service("notification").await;
    let refused = browser.get(FILE).await.expect(503);
    assert!(refused.header("content-type").starts_with("text/html"));
    let page = refused.html();
    assert!(
        page.all("p")
            .any(|p| p.get("role") == Some("alert") && p.text.contains("not be complete"))
    );
    assert!(page.all("a").any(|link| link.get("href") == Some(FILE)), "to try again");
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_file_at_a_time_is_sent_to_a_network_of_whichever_kind() {
    let shop = Shop::open().await;
    let browser = shop.browser();
    browser.sign_up("ada@example.com").await;
    let files = [FILE, "/sell/balance/ledger.csv"];
    for (one, other) in [(0, 0), (0, 1), (1, 1)] {
        // A file is not begun before auth has stored the new tokens.
        let lock = shop.lock_database("auth");
        let requests = (pin!(browser.get(files[one])), pin!(browser.get(files[other])));
        let (refused, sent) = future::select(requests.0, requests.1).await.factor_first();
        let refused = refused.expect(429);
        assert_eq!(refused.header("retry-after"), "10");
        assert_eq!(refused.html().all("h1").count(), 1);
        drop(lock);
        let _ = sent.await.expect(200);
    }
    shop.close().await;
}
