//! Searching and paging.

use serde_json::json;
use testkit::Client;

use crate::{TICKETS, concert, sell, test_app::TestApp};

async fn titles(client: &Client, query: &str) -> Vec<String> {
    let page = client.get(&format!("{TICKETS}?{query}")).await.expect(200).json();
    let items = page["items"].as_array().unwrap().iter();
    items.map(|item| item["title"].as_str().unwrap().to_owned()).collect()
}

fn offer(title: &str, amount: i64) -> serde_json::Value {
    json!({"title": title, "price": {"amount": amount, "currency": "usd"}})
}

#[tokio::test]
async fn buyers_search_by_words_and_filters() {
    let mut app = TestApp::new().await;
    let (user, seller) = app.user();
    let (_, other) = app.user();
    let mut opera = offer("Opéra", 5000);
    opera["venue"] = json!("Grand Hall");
    opera["startsAt"] = json!("2999-01-01T19:30:00Z");
    let _ = sell(&seller, opera).await;
    let _ = sell(&seller, offer("Rock in the hall", 2000)).await;
    let _ = sell(&other, offer("Jazz", 1000)).await;
    let buyer = app.client();
    for (query, found) in [
        ("", &["Jazz", "Rock in the hall", "Opéra"][..]),
        ("sort=oldest", &["Opéra", "Rock in the hall", "Jazz"]),
        ("sort=price", &["Jazz", "Rock in the hall", "Opéra"]),
        ("sort=-price&limit=1", &["Opéra"]),
        ("sort=startsAt&limit=1", &["Opéra"]),
        ("q=hall", &["Rock in the hall", "Opéra"]),
        ("q=OPERA%20gran", &["Opéra"]),
        ("q=hall&sort=price", &["Rock in the hall", "Opéra"]),
        ("q=hall+OR+jazz", &[]),
        ("q=%22", &[]),
        ("q=%20", &["Jazz", "Rock in the hall", "Opéra"]),
        (&format!("seller={user}"), &["Rock in the hall", "Opéra"]),
        (
            "currency=usd&minPrice=1000&maxPrice=2000",
            &["Jazz", "Rock in the hall"],
        ),
        ("currency=eur", &[]),
        (
            "startsAfter=2999-01-01T00:00:00Z&startsBefore=2999-01-02T00:00:00Z",
            &["Opéra"],
        ),
        ("startsBefore=2999-01-01T00:00:00Z", &[]),
        ("available=true&q=jazz", &["Jazz"]),
    ] {
        assert_eq!(titles(&buyer, query).await, found, "{query}");
    }
    app.stop().await;
}

#[tokio::test]
async fn pages_follow_each_other_while_the_list_changes() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let mut paths = Vec::new();
    for number in 0..7 {
        paths.push(sell(&seller, offer(&number.to_string(), 1000 + number)).await.0);
    }
    for sort in ["newest", "oldest", "price", "-price", "startsAt"] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = app
                .client()
                .get(&format!("{TICKETS}?limit=2&sort={sort}{cursor}"))
                .await
                .expect(200)
                .json();
            for item in page["items"].as_array().unwrap() {
                seen.push(item["title"].as_str().unwrap().to_owned());
                // What was seen goes to the other end of the list by price.
                let amount = 10_000 - item["price"]["amount"].as_i64().unwrap();
                let path = format!("{TICKETS}/{}", item["id"].as_str().unwrap());
                let title = item["title"].as_str().unwrap();
                let _ = seller.put(&path, offer(title, amount)).await.expect(200);
            }
            let Some(next) = page["nextCursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        let once: std::collections::BTreeSet<_> = seen.iter().collect();
        assert_eq!((seen.len(), once.len()), (7, 7), "{sort}: {seen:?}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_seller_finds_their_own_and_their_withdrawn_tickets() {
    let mut app = TestApp::new().await;
    let (user, seller) = app.user();
    let (_, other) = app.user();
    let _ = sell(&seller, offer("Kept", 1000)).await;
    let _ = sell(&other, offer("Of another", 1000)).await;
    for title in ["First", "Second", "Third"] {
        let (path, _) = sell(&seller, offer(title, 1000)).await;
        let _ = seller.delete(&path).await.expect(204);
    }
    assert_eq!(titles(&seller, "seller=me").await, ["Kept"]);
    let withdrawn = "seller=me&state=withdrawn";
    assert_eq!(titles(&seller, withdrawn).await, ["Third", "Second", "First"]);
    assert_eq!(titles(&other, withdrawn).await, [""; 0]);
    let first = seller.get(&format!("{TICKETS}?{withdrawn}&limit=2")).await.expect(200);
    let cursor = format!("limit=2&cursor={}", first.text_at("/nextCursor"));
    assert_eq!(titles(&seller, &format!("{withdrawn}&{cursor}")).await, ["First"]);

    for (client, query, status, field) in [
        (&app.client(), "seller=me", 401, ""),
        (&app.client(), withdrawn, 401, ""),
        (&app.client(), &format!("seller={user}&state=withdrawn"), 401, ""),
        (&other, &format!("seller={user}&state=withdrawn"), 403, ""),
        (&other, &format!("{withdrawn}&{cursor}"), 400, "cursor"),
        (&seller, &format!("seller=me&{cursor}"), 400, "cursor"),
        (&seller, "state=withdrawn", 400, "seller"),
        (&seller, &format!("{withdrawn}&q=first"), 400, "state"),
        (&seller, &format!("{withdrawn}&sort=price"), 400, "state"),
        (&seller, "seller=you", 400, "seller"),
        (&seller, "state=sold", 400, "state"),
    ] {
        let refused = client.get(&format!("{TICKETS}?{query}")).await.expect(status);
        assert_eq!(refused.problem().1, field, "{query}");
    }
    app.stop().await;
}

#[tokio::test]
async fn an_invalid_query_names_the_parameter() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    for _ in 0..2 {
        let _ = sell(&seller, concert(1)).await;
    }
    let page = app.client().get(&format!("{TICKETS}?limit=1")).await.expect(200);
    let cursor = page.text_at("/nextCursor");
    let many = "a+".repeat(17);
    let long = "a".repeat(201);
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=ten", "limit"),
        ("cursor=nonsense", "cursor"),
        (&format!("limit=1&sort=price&cursor={cursor}"), "cursor"),
        (&format!("limit=1&q=concert&cursor={cursor}"), "cursor"),
        ("sort=title", "sort"),
        ("currency=doubloons", "currency"),
        ("minPrice=1", "currency"),
        ("maxPrice=1", "currency"),
        ("minPrice=1.5&currency=usd", "minPrice"),
        ("maxPrice=99999999999999999999&currency=usd", "maxPrice"),
        ("startsAfter=now", "startsAfter"),
        ("startsBefore=2027", "startsBefore"),
        ("available=maybe", "available"),
        (&format!("q={many}"), "q"),
        (&format!("q={long}"), "q"),
    ] {
        let reply = app.client().get(&format!("{TICKETS}?{query}")).await.expect(400);
        assert_eq!(reply.problem(), ("malformed".to_owned(), field.to_owned()), "{query}");
    }
    for odd in [
        "q=%00",
        "q=a%00b",
        "q=%FF%FE",
        "q=NEAR(a%2C2)",
        "q=%27%3B--",
        "cursor=",
        "nonsense=1",
        "limit=1&limit=2",
        "q=%",
    ] {
        let reply = app.client().get(&format!("{TICKETS}?{odd}")).await;
        assert!(reply.status.as_u16() < 500, "{odd}: {}", reply.text);
    }
    app.stop().await;
}
