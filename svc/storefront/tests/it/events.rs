use futures_util::StreamExt;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::eventually;

use crate::{
    browser::{Browser, Visited},
    shop::Shop,
};

/// Visits a page until it contains a text: events between services, and the second for which pages are kept.
async fn visit_until(browser: &Browser, path: &str, text: &str) -> Visited {
    eventually(&format!("{path} shows {text}"), || async {
        let visited = browser.get(path).await;
        visited.body.contains(text).then_some(visited)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_shows_whether_and_why_not_it_can_be_bought() {
    let shop = Shop::open().await;
    let (seller, buyer) = (
        shop.account("seller@example.com").await,
        shop.account("buyer@example.com").await,
    );
    let browser = shop.browser();
    let fields =
        json!({"quantity": 1, "startsAt": "2035-01-01T19:00:00Z", "timeZone": "Europe/Berlin", "venue": "Laeiszhalle"});
    let event = shop.list(&seller, fields).await;
    let path = format!("/events/{event}");
    let page = visit_until(&browser, &path, "Last ticket").await;
    let html = page.html();
    assert!(page.body.contains("Mon, 1 January 2035, 20:00 CET"), "{}", page.body);
    assert_eq!(
        (html.value_of("ticket"), html.value_of("price")),
        (event.clone(), "1999".to_owned())
    );
    let data = html
        .all("script")
        .find(|script| script.get("type") == Some("application/ld+json"));
    let data: Value = serde_json::from_str(&data.unwrap().text).unwrap();
    assert_eq!(data["@type"], "Event");
    assert_eq!(data["offers"]["price"], "19.99");
    assert_eq!(data["startDate"], "2035-01-01T20:00:00+01:00");

    let order = json!({"ticketId": event, "quantity": 1});
    drop(buyer.post_when_replicated("/api/v1/orders", order).await.expect(201));
    let sold_out = visit_until(&browser, &path, "Sold out").await;
    assert!(!sold_out.body.contains("action=\"/orders\""));

    let later = json!({"salesBegin": "2034-01-01T00:00:00Z", "startsAt": "2035-01-01T00:00:00Z"});
    let later = format!("/events/{}", shop.list(&seller, later).await);
    assert!(
        browser
            .get(&later)
            .await
            .body
            .contains("The sale begins on Sun, 1 January 2034, 00:00 UTC.")
    );

    let withdrawn = shop.list(&seller, json!({})).await;
    drop(seller.delete(&format!("/api/v1/tickets/{withdrawn}")).await.expect(204));
    let page = browser.get(&format!("/events/{withdrawn}")).await.expect(200);
    assert!(page.body.contains("The seller has withdrawn this event.") && page.body.contains("noindex"));
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_home_page_shows_a_match_that_is_behind_thousands_of_other_events() {
    let shop = Shop::open().await;
    let seller = shop.account("seller@example.com").await;
    shop.list(&seller, json!({"title": "The last one on sale"})).await;
    // More than two pages of the API read.
    let listed = shop.database("ticket").execute(
        "INSERT INTO listing (number, id, seller_id, title, sales_end, currency, amount, wanted, version, created_at,
             updated_at, placed)
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6500)
         SELECT number + i, printf('00000000-0000-7000-8000-%012d', i), seller_id, 'Sold', 1, currency, amount, 5, 1, 0, 0,
             placed + i
         FROM listing, n",
        [],
    );
    assert_eq!(listed.unwrap(), 6500);
    let page = shop.browser().get("/?available=true").await.expect(200);
    assert!(page.body.contains("The last one on sale"), "{}", page.body);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_home_page_searches_filters_sorts_and_has_pages() {
    let shop = Shop::open().await;
    let seller = shop.account("seller@example.com").await;
    for number in 1..=30 {
        let fields =
            json!({"title": format!("Concert {number:02}"), "price": {"amount": 1000 + number, "currency": "eur"}});
        shop.list(&seller, fields).await;
    }
    shop.list(
        &seller,
        json!({"title": "Größenwahn", "price": {"amount": 500, "currency": "usd"}}),
    )
    .await;
    let browser = shop.browser();
    let titles = |visited: &Visited| {
        let html = visited.html();
        let titles = html
            .all("bdi")
            .filter(|element| element.parents.contains(&"h3".to_owned()));
        titles.map(|title| title.text.trim().to_owned()).collect::<Vec<_>>()
    };
    let cheapest = browser.get("/?sort=price&currency=EUR").await.expect(200);
    assert_eq!(titles(&cheapest).len(), 24);
    assert_eq!(titles(&cheapest)[0], "Concert 01");
    let html = cheapest.html();
    let next = html
        .all("a")
        .find(|link| link.get("rel") == Some("next"))
        .unwrap()
        .get("href")
        .unwrap();
    let rest = browser.get(next).await.expect(200);
    assert_eq!(titles(&rest).len(), 6);
    assert_eq!(titles(&browser.get("/?q=grossenwahn").await), ["Größenwahn"]);
    assert_eq!(
        titles(&browser.get("/?min=10.29&max=10,30&currency=eur&sort=-price").await),
        ["Concert 30", "Concert 29"]
    );
    let none = browser.get("/?q=nothing+at+all").await.expect(200);
    assert!(titles(&none).is_empty() && none.body.contains("No event matches."));
    // On 2 January in their zones, or a day later.
    for (title, starts_at, zone) in [
        ("In the first zone", "2035-01-01T10:30:00Z", "Pacific/Kiritimati"),
        ("In the last zone", "2035-01-03T10:30:00Z", "Pacific/Pago_Pago"),
        ("Later", "2035-01-03T12:00:00Z", "Europe/Berlin"),
    ] {
        let fields = json!({"title": title, "startsAt": starts_at, "timeZone": zone});
        shop.list(&seller, fields).await;
    }
    let on_date = browser.get("/?from=2035-01-02&to=2035-01-02&sort=startsAt").await;
    assert_eq!(titles(&on_date), ["In the first zone", "In the last zone"]);
    let hostile = browser.get("/?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E").await;
    assert_eq!(hostile.html().value_of("q"), "\"><script>alert(1)</script>");
    shop.close().await;
}

/// Reads the data of the next event of a subscription.
async fn next_event(events: &mut (impl StreamExt<Item = reqwest::Result<bytes::Bytes>> + Unpin)) -> Value {
    loop {
        let chunk = events.next().await.unwrap().unwrap();
        let text = String::from_utf8(chunk.to_vec()).unwrap();
        if let Some(data) = text.lines().find_map(|line| line.strip_prefix("data: ")) {
            return serde_json::from_str(data).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_told_what_others_buy() {
    let shop = Shop::open().await;
    let (seller, buyer) = (
        shop.account("seller@example.com").await,
        shop.account("buyer@example.com").await,
    );
    let event = shop.list(&seller, json!({"quantity": 2})).await;
    let browser = shop.browser();
    let page = browser.get(&format!("/events/{event}")).await.expect(200).html();
    let live = page
        .elements
        .iter()
        .find_map(|element| element.get("data-live"))
        .unwrap()
        .to_owned();
    let response = browser.request(Method::GET, &live, None).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut events = Box::pin(response.bytes_stream());
    assert_eq!(
        next_event(&mut events).await,
        json!({"text": "Only 2 left", "isChanged": false})
    );
    let order = json!({"ticketId": event, "quantity": 2});
    drop(buyer.post_when_replicated("/api/v1/orders", order).await.expect(201));
    assert_eq!(
        next_event(&mut events).await,
        json!({"text": "Sold out", "isChanged": true})
    );
    drop(events);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_has_a_bounded_number_of_live_connections() {
    let shop = Shop::open().await;
    let seller = shop.account("seller@example.com").await;
    let live = format!("/events/{}/live", shop.list(&seller, json!({})).await);
    let browser = shop.browser();
    let mut open = Vec::new();
    for _ in 0..20 {
        let response = browser.request(Method::GET, &live, None).await;
        assert_eq!(response.status(), 200);
        open.push(response);
    }
    // A browser that gets this does not connect again.
    assert_eq!(browser.get(&live).await.status, 204);
    open.pop();
    eventually("the place of a closed connection is free", || async {
        let response = browser.request(Method::GET, &live, None).await;
        (response.status() == 200).then_some(())
    })
    .await;
    drop(open);
    shop.close().await;
}
