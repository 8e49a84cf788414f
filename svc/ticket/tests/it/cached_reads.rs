//! Responses that are stored show what was answered before.

use std::time::Duration;

use events::OrderStatus;
use serde_json::json;
use testkit::TestEnv;
use ticket::Ticket;
use values::{Clock, Timestamp};

use crate::{TICKETS, concert, etag, sell, test_app::TestApp};

/// Lists that contain each ticket that is on sale.
const LISTS: [&str; 5] = [
    "",
    "?sort=oldest",
    "?available=true",
    "?currency=usd&sort=price",
    "?q=concert",
];

fn titled(title: &str) -> serde_json::Value {
    json!({"title": format!("Concert {title}"), "price": {"amount": 1999, "currency": "usd"}, "quantity": 3})
}

#[tokio::test]
async fn a_seller_sees_each_change_in_the_ticket_and_in_every_list() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (path, created) = sell(&seller, titled("0")).await;
    let id = created.text_at("/id");
    let buyer = app.client();
    let mut seen = etag(&created);
    for round in 1..40 {
        for list in LISTS {
            let _ = buyer.get(&format!("{TICKETS}{list}")).await.expect(200);
        }
        let _ = buyer.clone().with("If-None-Match", &seen).get(&path).await.expect(304);
        let changed = seller.put(&path, titled(&round.to_string())).await.expect(200);
        // First the one that was compared with a tag just now.
        let shown = buyer.clone().with("If-None-Match", &seen).get(&path).await.expect(200);
        assert_eq!((shown.json(), etag(&shown)), (changed.json(), etag(&changed)));
        seen = etag(&changed);
        let mut in_list = changed.json();
        // Not in lists.
        in_list.as_object_mut().unwrap().remove("orderLimits");
        for list in LISTS {
            let page = buyer.get(&format!("{TICKETS}{list}")).await.expect(200).json();
            let items = page["items"].as_array().unwrap();
            let shown = items.iter().find(|item| item["id"] == id.as_str()).unwrap();
            assert_eq!(*shown, in_list, "{list}");
        }
    }
    let _ = seller.delete(&path).await.expect(204);
    assert_eq!(buyer.get(&path).await.expect(200).json()["status"], "withdrawn");
    for list in LISTS {
        let page = buyer.get(&format!("{TICKETS}{list}")).await.expect(200).json();
        assert_eq!(page["items"], json!([]), "{list}");
    }
    app.stop().await;
}

#[tokio::test]
async fn orders_change_what_is_available_in_lists_and_the_ticket() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (path, ticket) = sell(&seller, concert(1)).await;
    let list = format!("{TICKETS}?available=true");
    let buyer = app.client();
    let count = |page: testkit::Reply| page.json()["items"].as_array().unwrap().len();
    assert_eq!(count(buyer.get(&list).await.expect(200)), 1);
    let mut order = app.order(&ticket, 1);
    app.publish_order(&mut order, OrderStatus::Created).await;
    let _ = app.wait_for_stock(&path, 1, 0).await;
    assert_eq!(count(buyer.get(&list).await.expect(200)), 0);
    app.publish_order(&mut order, OrderStatus::Cancelled).await;
    let _ = app.wait_for_stock(&path, 0, 0).await;
    assert_eq!(count(buyer.get(&list).await.expect(200)), 1);
    app.stop().await;
}

#[tokio::test]
async fn a_ticket_that_begins_is_shown_as_begun_although_nothing_was_written() {
    let clock = Clock::manual(Timestamp::from_millis(1_900_000_000_000));
    let env = TestEnv::with_clock(clock.clone()).await;
    let service = env.start::<Ticket>(ticket::Settings::default()).await;
    let (_, seller) = env.user(&service);
    let mut soon = concert(5);
    soon["startsAt"] = json!((env.now() + Duration::from_millis(500)).to_string());
    let (path, _) = sell(&seller, soon).await;
    let _ = sell(&seller, concert(5)).await;
    let shown = async || {
        let client = service.client();
        let ticket = client.get(&path).await.expect(200);
        let all = client.get(TICKETS).await.expect(200).json();
        // The ticket that begins is not on the first page, but decides whether another one follows.
        let first = client
            .get(&format!("{TICKETS}?available=true&limit=1"))
            .await
            .expect(200);
        let available = client
            .get(&format!("{TICKETS}?available=true"))
            .await
            .expect(200)
            .json();
        (
            ticket.json()["status"].clone(),
            etag(&ticket).contains("begun"),
            all["items"][1]["status"].clone(),
            first.json()["nextCursor"].is_string(),
            available["items"].as_array().unwrap().len(),
        )
    };
    for _ in 0..2 {
        assert_eq!(shown().await, (json!("on-sale"), false, json!("on-sale"), true, 2));
    }
    clock.advance(Duration::from_millis(499));
    assert_eq!(shown().await.4, 2);
    clock.advance(Duration::from_millis(1));
    for _ in 0..2 {
        assert_eq!(shown().await, (json!("begun"), true, json!("begun"), false, 1));
    }
    service.stop().await;
}

#[tokio::test]
async fn reads_of_the_same_page_and_ticket_reach_the_database_once() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (path, _) = sell(&seller, concert(1)).await;
    let buyer = app.client();
    for _ in 0..50 {
        let _ = buyer.get(TICKETS).await.expect(200);
        let _ = buyer.get(&path).await.expect(200);
        let _ = buyer
            .get(&format!("{TICKETS}/00000000-0000-7000-8000-000000000000"))
            .await
            .expect(404);
    }
    let metrics = buyer.get("/metrics").await.expect(200).text;
    let value = |cache: &str, outcome: &str| -> u64 {
        let labels = format!("cache=\"{cache}\",outcome=\"{outcome}\"}} ");
        let lines = metrics
            .lines()
            .filter(|line| line.starts_with("ticketing_db_cached_reads_total{"));
        let found: Vec<_> = lines.filter_map(|line| line.split_once(&labels)).collect();
        found[0].1.parse().unwrap()
    };
    // The relay deletes the published event meanwhile, and a value is read anew after a second.
    assert!(value("pages", "stored") >= 25, "{metrics}");
    assert!(value("tickets", "stored") >= 25, "{metrics}");
    assert!(
        value("tickets", "read") >= 50,
        "a missing ticket is looked for each time: {metrics}"
    );
    app.stop().await;
}
