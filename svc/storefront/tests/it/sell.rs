use std::io::Write;

use serde_json::{Value, json};
use testkit::{Client, eventually};

use crate::{browser::Browser, html::Html, shop::Shop};

/// Signs up in a browser, and returns it with a client of the API as the same person.
async fn seller(shop: &Shop, email: &str) -> (Browser, Client) {
    let client = shop.account(email).await;
    let browser = shop.browser();
    let fields = [("email", email), ("password", crate::shop::PASSWORD)];
    browser.post("/signin", &fields).await.expect(303);
    (browser, client)
}

/// The fields of a form that a test changes a few of.
fn fields<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let defaults = [
        ("title", "The Lighthouse Keepers"),
        ("price", "19.99"),
        ("currency", "eur"),
        ("quantity", "10"),
        ("resell_refunded", "true"),
    ];
    let kept = defaults
        .iter()
        .filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    kept.chain(changes).copied().collect()
}

/// Fails the test unless browsers validate the forms of a page. Without that they send a half-filled date as an empty one.
#[track_caller]
fn is_validated(html: &Html) {
    assert!(html.all("form").all(|form| form.get("novalidate").is_none()));
}

/// Creates a listing by the form, and returns its path.
async fn create(browser: &Browser, changes: &[(&str, &str)]) -> String {
    let html = browser.get("/sell/new").await.expect(200).html();
    is_validated(&html);
    // Nobody creates a listing of one ticket by overlooking the field.
    assert_eq!(html.value_of("quantity"), "");
    let key = html.value_of("key");
    let mut form = fields(changes);
    form.push(("key", &key));
    let created = browser.post("/sell/new", &form).await.expect(303);
    created.header("location").to_owned()
}

async fn ticket(client: &Client, path: &str) -> Value {
    let id = path.strip_prefix("/sell/").unwrap();
    client.get(&format!("/api/v1/tickets/{id}")).await.expect(200).json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_is_created_with_local_times_and_edited_without_losing_any_field() {
    let shop = Shop::open().await;
    let (browser, api) = seller(&shop, "seller@example.com").await;
    assert!(
        browser
            .get("/sell")
            .await
            .expect(200)
            .body
            .contains("You have no listings")
    );
    let path = create(
        &browser,
        &[
            ("description", "First line\r\nsecond <b>line</b>"),
            ("venue", "Laeiszhalle"),
            ("zone", "Europe/Berlin"),
            ("starts_at", "2035-06-01T19:30"),
            ("sales_begin", "2034-12-01T10:00"),
            ("sales_end", "2035-06-01T12:00"),
            ("price", "1234,50"),
            ("max_per_buyer", "4"),
            ("order_window", "7.5"),
            ("refundable_until", "2035-05-01T00:00"),
            ("requires_second_factor", "true"),
        ],
    )
    .await;
    let created = ticket(&api, &path).await;
    for (field, value) in [
        ("startsAt", json!("2035-06-01T17:30:00.000Z")),
        ("salesBegin", json!("2034-12-01T09:00:00.000Z")),
        ("salesEnd", json!("2035-06-01T10:00:00.000Z")),
        ("refundableUntil", json!("2035-04-30T22:00:00.000Z")),
        ("timeZone", json!("Europe/Berlin")),
        ("price", json!({"amount": 123_450, "currency": "eur"})),
        ("description", json!("First line\nsecond <b>line</b>")),
        ("orderWindowSeconds", json!(450)),
        ("maxPerBuyer", json!(4)),
        ("requiresSecondFactor", json!(true)),
        ("resellRefunded", json!(true)),
    ] {
        assert_eq!(created[field], value, "{field}");
    }
    // The form as a browser sends it back, with another venue only.
    let form = browser.get(&format!("{path}/edit")).await.expect(200).html();
    is_validated(&form);
    let value = |name: &str| form.value_of(name);
    let (etag, price, starts_at, sales_begin, sales_end, refundable_until) = (
        value("etag"),
        value("price"),
        value("starts_at"),
        value("sales_begin"),
        value("sales_end"),
        value("refundable_until"),
    );
    let description = form
        .all("textarea")
        .next()
        .unwrap()
        .text
        .trim_start_matches('\n')
        .to_owned();
    let changed = [
        ("etag", etag.as_str()),
        ("title", &value("title")),
        ("description", &description),
        ("venue", "Elbphilharmonie"),
        ("zone", "Europe/Berlin"),
        ("starts_at", &starts_at),
        ("sales_begin", &sales_begin),
        ("sales_end", &sales_end),
        ("price", &price),
        ("currency", "eur"),
        ("quantity", &value("quantity")),
        ("max_per_buyer", &value("max_per_buyer")),
        ("order_window", &value("order_window")),
        ("refundable_until", &refundable_until),
        ("requires_second_factor", "true"),
        ("resell_refunded", "true"),
    ];
    browser.post(&format!("{path}/edit"), &changed).await.expect(303);
    let mut edited = ticket(&api, &path).await;
    assert_eq!(edited["venue"], "Elbphilharmonie");
    for field in ["venue", "version", "updatedAt"] {
        edited[field] = created[field].clone();
    }
    assert_eq!(edited, created);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_changes_the_limit_of_a_buyer_only_if_the_seller_does() {
    let shop = Shop::open().await;
    let (browser, _) = seller(&shop, "seller@example.com").await;
    let edit = format!("{}/edit", create(&browser, &[]).await);
    // Sends the form with another limit, or as it is shown; returns the limits that are shown and stored.
    let save = async |limit: Option<&str>| {
        let form = browser.get(&edit).await.expect(200).html();
        let (etag, shown) = (form.value_of("etag"), form.value_of("max_per_buyer"));
        let entered = limit.unwrap_or(&shown);
        let changes = [("etag", etag.as_str()), ("max_per_buyer", entered)];
        browser.post(&edit, &fields(&changes)).await.expect(303);
        let sql = "SELECT max_per_buyer FROM listing";
        let stored: Option<u32> = shop.database("ticket").query_row(sql, [], |row| row.get(0)).unwrap();
        (shown, stored)
    };
    let (of_marketplace, stored) = save(None).await;
    assert_eq!(stored, None);
    assert_eq!(save(Some("3")).await, (of_marketplace.clone(), Some(3)));
    assert_eq!(save(None).await, ("3".to_owned(), Some(3)));
    assert_eq!(save(Some("")).await, ("3".to_owned(), None));
    assert_eq!(save(None).await, (of_marketplace, None));
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_entry_of_a_listing_is_named_beside_its_field_and_kept() {
    let shop = Shop::open().await;
    let (browser, _) = seller(&shop, "seller@example.com").await;
    for (name, changes) in [
        ("title", vec![("title", "")]),
        ("title", vec![("title", "\u{202e}")]),
        ("price", vec![("price", "twenty")]),
        ("price", vec![("price", "0.01")]),
        ("currency", vec![("currency", "xyz")]),
        ("quantity", vec![("quantity", "0")]),
        ("quantity", vec![("quantity", "1000001")]),
        ("max_per_buyer", vec![("max_per_buyer", "none")]),
        ("order_window", vec![("order_window", "61")]),
        ("zone", vec![("starts_at", "2035-06-01T19:30")]),
        ("other_zone", vec![("other_zone", "Europe/Atlantis")]),
        ("starts_at", vec![("zone", "UTC"), ("starts_at", "tomorrow")]),
        ("starts_at", vec![("zone", "UTC"), ("starts_at", "2001-01-01T00:00")]),
        ("sales_end", vec![("zone", "UTC"), ("sales_end", "2001-01-01T00:00")]),
        (
            "sales_begin",
            vec![
                ("zone", "UTC"),
                ("starts_at", "2035-06-01T19:30"),
                ("sales_begin", "2035-06-02T19:30"),
            ],
        ),
        (
            "refundable_until",
            vec![("zone", "UTC"), ("refundable_until", "2001-01-01T00:00")],
        ),
    ] {
        for (language, title) in [("en", "Error: New listing"), ("de", "Fehler: Neues Angebot")] {
            // The account is English; the person chooses another language.
            let path = format!("/sell/new?lang={language}");
            let refused = browser.post(&path, &fields(&changes)).await.expect(422);
            let html = refused.html();
            assert!(html.title().starts_with(title), "{}", html.title());
            let id = format!("{name}-error");
            assert!(
                html.all("p").any(|p| p.get("id") == Some(&id)),
                "{changes:?}: {}",
                refused.body
            );
            assert!(html.unlabelled().is_empty(), "{changes:?}");
            let venue = html
                .all("input")
                .find(|input| input.get("name") == Some("quantity"))
                .unwrap();
            assert!(venue.get("value").is_some(), "{changes:?}");
        }
    }
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_sent_twice_creates_one_listing_and_another_one_with_other_entries() {
    let shop = Shop::open().await;
    let (browser, api) = seller(&shop, "seller@example.com").await;
    let key = browser.get("/sell/new").await.expect(200).html().value_of("key");
    let send = async |title: &str| {
        let mut form = fields(&[]);
        form.retain(|(name, _)| *name != "title");
        form.extend([("title", title), ("key", key.as_str())]);
        browser
            .post("/sell/new", &form)
            .await
            .expect(303)
            .header("location")
            .to_owned()
    };
    let (first, again, other) = (send("One").await, send("One").await, send("Two").await);
    assert_eq!(first, again);
    assert_ne!(first, other);
    let list = api.get("/api/v1/tickets?seller=me").await.expect(200).json();
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_without_an_answer_is_shown_again_or_its_page_says_what_to_do() {
    let mut shop = Shop::open().await;
    let (browser, _) = seller(&shop, "seller@example.com").await;
    let path = create(&browser, &[]).await;
    let edit = format!("{path}/edit");
    let etag = browser.get(&edit).await.expect(200).html().value_of("etag");
    shop.stop_service("ticket").await;
    for (path, name, value) in [("/sell/new", "key", "a-key"), (edit.as_str(), "etag", etag.as_str())] {
        let sent = fields(&[(name, value), ("venue", "My hall")]);
        let html = browser.post(path, &sent).await.expect(503).html();
        assert_eq!(
            (html.value_of(name), html.value_of("venue")),
            (value.to_owned(), "My hall".to_owned())
        );
        assert!(html.text.contains("It is not certain that"), "{path}: {}", html.text);
    }
    for (form, field, text) in [
        ("check-in", ("key", "a-key"), "Reload this page to send it again"),
        ("withdraw", ("etag", etag.as_str()), "Check before you send it again"),
    ] {
        let sent = [field, ("code", "a-code")];
        let refused = browser.post(&format!("{path}/{form}"), &sent).await.expect(503);
        assert!(refused.body.contains(text), "{form}: {}", refused.body);
    }
    let refused = browser.get(&path).await.expect(503);
    assert!(refused.body.contains("Try again") && !refused.body.contains("It is not certain"));
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_of_a_version_that_was_changed_meanwhile_shows_the_other_one_and_saves_nothing() {
    let shop = Shop::open().await;
    let (browser, api) = seller(&shop, "seller@example.com").await;
    let path = create(&browser, &[]).await;
    let edit = format!("{path}/edit");
    let etag = browser.get(&edit).await.expect(200).html().value_of("etag");
    browser
        .post(
            &edit,
            &fields(&[("etag", &etag), ("venue", "Elsewhere <hall>"), ("zone", "UTC")]),
        )
        .await
        .expect(303);
    let mine = [("etag", etag.as_str()), ("venue", "My hall"), ("zone", "UTC")];
    let stale = browser.post(&edit, &fields(&mine)).await.expect(409);
    assert!(stale.body.contains("Elsewhere &#60;hall&#62;"), "{}", stale.body);
    let html = stale.html();
    assert_eq!(html.value_of("venue"), "My hall");
    assert_eq!(ticket(&api, &path).await["venue"], "Elsewhere <hall>");
    // Sent again, the form replaces the version that was shown.
    let etag = html.value_of("etag");
    browser
        .post(
            &edit,
            &fields(&[("etag", &etag), ("venue", "My hall"), ("zone", "UTC")]),
        )
        .await
        .expect(303);
    assert_eq!(ticket(&api, &path).await["venue"], "My hall");
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_seller_lists_is_not_found_on_any_page_of_selling() {
    let shop = Shop::open().await;
    let (owner, _) = seller(&shop, "seller@example.com").await;
    let (other, _) = seller(&shop, "other@example.com").await;
    let path = create(&owner, &[]).await;
    for page in ["", "/edit", "/withdraw", "/orders.csv"] {
        let path = format!("{path}{page}");
        let shown = owner.get(&path).await.expect(200);
        if page != "/orders.csv" {
            let html = shown.html();
            assert!(
                html.title().starts_with("The Lighthouse Keepers · "),
                "{}",
                html.title()
            );
        }
        other.get(&path).await.expect(404);
        let location = shop.browser().get(&path).await.expect(303);
        assert!(location.header("location").starts_with("/signin?next="), "{path}");
    }
    other
        .post(&format!("{path}/edit"), &fields(&[("etag", "*")]))
        .await
        .expect(404);
    other
        .post(&format!("{path}/withdraw"), &[("etag", "*")])
        .await
        .expect(403);
    owner.get(&path).await.expect(200);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_is_withdrawn_after_its_consequences_are_shown() {
    let shop = Shop::open().await;
    let (browser, _) = seller(&shop, "seller@example.com").await;
    let path = create(&browser, &[]).await;
    let withdraw = format!("{path}/withdraw");
    let shown = browser.get(&withdraw).await.expect(200);
    assert!(shown.body.contains("cannot be undone"));
    browser.post(&withdraw, &[("etag", "\"0\"")]).await.expect(409);
    let etag = shown.html().value_of("etag");
    browser.post(&withdraw, &[("etag", &etag)]).await.expect(303);
    let is_known = async || browser.get(&path).await.body.contains("No paid order").then_some(());
    eventually("the withdrawal is known", is_known).await;
    assert!(!browser.get("/sell").await.body.contains("Lighthouse"));
    assert!(browser.get("/sell?state=withdrawn").await.body.contains("Lighthouse"));
    for page in ["/edit", "/withdraw"] {
        browser.get(&format!("{path}{page}")).await.expect(303);
    }
    shop.close().await;
}

/// Orders free tickets and takes them, and returns the id of the order.
async fn take_free(buyer: &Client, listing: &str, quantity: u32) -> String {
    let order = json!({"ticketId": listing, "quantity": quantity});
    let order = buyer
        .post_when_replicated("/api/v1/orders", order)
        .await
        .expect(201)
        .text_at("/id");
    let payment = json!({"orderId": order});
    let _ = buyer
        .post_when_replicated("/api/v1/payments", payment)
        .await
        .expect(201);
    let is_complete = async || {
        let state = buyer.get(&format!("/api/v1/orders/{order}")).await.expect(200);
        (state.text_at("/status") == "complete").then_some(())
    };
    eventually("the order is complete", is_complete).await;
    order
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seller_sees_who_ordered_and_decides_refunds_once() {
    let shop = Shop::open().await;
    let (browser, _) = seller(&shop, "seller@example.com").await;
    let path = create(&browser, &[("price", "0")]).await;
    let id = path.strip_prefix("/sell/").unwrap();
    let buyer = shop.account("buyer@example.com").await;
    let mut refunds = Vec::new();
    for reason in ["I am <ill>", "No time"] {
        let order = take_free(&buyer, id, 2).await;
        let refund = json!({"quantity": 1, "reason": reason});
        let asked = buyer
            .post(&format!("/api/v1/orders/{order}/refunds"), refund)
            .await
            .expect(201);
        refunds.push((order, asked.text_at("/id")));
    }
    let shows_buyer = async || {
        let shown = browser.get(&path).await.expect(200);
        let count = shown
            .body
            .matches("<bdi class=\"soft small\">buyer@example.com")
            .count();
        (count == 2).then_some(shown)
    };
    let shown = eventually("the orders are shown", shows_buyer).await;
    let html = shown.html();
    // Each decision is behind a summary that names the buyer.
    let summaries = html.all("summary").map(|summary| summary.text.trim());
    assert_eq!(
        summaries.filter(|text| text.ends_with("· buyer@example.com")).count(),
        4
    );
    let details = "details".to_owned();
    let mut decisions = html
        .all("button")
        .filter(|button| button.get("name") == Some("decision"));
    assert!(decisions.all(|button| button.parents.contains(&details)));
    assert!(
        shown.body.contains("I am &#60;ill&#62;") && shown.body.contains("No time"),
        "{}",
        shown.body
    );
    let edit = browser.get(&format!("{path}/edit")).await.expect(200);
    assert!(
        edit.body.contains("Their addresses are in the CSV of orders."),
        "{}",
        edit.body
    );
    assert!(browser.get("/sell").await.body.contains("2 refund requests wait"));
    let csv = browser.get(&format!("{path}/orders.csv")).await.expect(200);
    assert!(csv.header("content-type").starts_with("text/csv"));
    assert_eq!(csv.body.matches("buyer@example.com").count(), 2, "{}", csv.body);
    let decide = async |(order, refund): &(String, String), decision: &str| {
        browser
            .post(&format!("{path}/refunds/{order}/{refund}"), &[("decision", decision)])
            .await
    };
    for (refund, decision, notice) in [
        (&refunds[0], "approve", "The refund is approved."),
        (&refunds[1], "decline", "The refund is declined."),
    ] {
        let decided = decide(refund, decision).await.expect(303);
        let shown = browser.get(decided.header("location")).await.expect(200).html();
        let mut statuses = shown.all("p").filter(|p| p.get("role") == Some("status"));
        assert!(statuses.any(|status| status.text.trim() == notice), "{}", shown.text);
    }
    let again = decide(&refunds[1], "approve").await.expect(409);
    assert!(again.body.contains("decided otherwise"), "{}", again.body);
    assert!(
        again
            .html()
            .all("form")
            .all(|form| !form.get("action").unwrap().contains("/refunds/"))
    );
    decide(&refunds[1], "perhaps").await.expect(400);
    let state = buyer
        .get(&format!("/api/v1/orders/{}/refunds", refunds[1].0))
        .await
        .expect(200);
    assert_eq!(state.text_at("/items/0/status"), "declined");
    shop.close().await;
}

/// Returns a picture as PNG, all of one colour.
fn png(width: u32, height: u32) -> Vec<u8> {
    let chunk = |kind: &[u8], data: &[u8]| {
        let body = [kind, data].concat();
        let mut crc = flate2::Crc::new();
        crc.update(&body);
        let length = u32::try_from(data.len()).unwrap();
        [&length.to_be_bytes()[..], &body, &crc.sum().to_be_bytes()].concat()
    };
    let row = [vec![0], vec![120; usize::try_from(width).unwrap() * 3]].concat();
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..height {
        zlib.write_all(&row).unwrap();
    }
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    let parts = [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        chunk(b"IHDR", &header),
        chunk(b"IDAT", &zlib.finish().unwrap()),
        chunk(b"IEND", b""),
    ];
    parts.concat()
}

/// Sends a file as the form of the picture does. Its name and the type that the browser states are wrong.
async fn upload(browser: &Browser, path: &str, file: &[u8]) -> crate::browser::Visited {
    let mut body =
        b"--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\n".to_vec();
    body.extend_from_slice(file);
    body.extend_from_slice(b"\r\n--b--\r\n");
    browser.post_bytes(path, "multipart/form-data; boundary=b", body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_uploaded_and_removed_and_every_other_file_is_refused_with_the_reason() {
    let shop = Shop::open().await;
    let (browser, api) = seller(&shop, "seller@example.com").await;
    let listing = create(&browser, &[]).await;
    let path = format!("{listing}/image");
    for (file, status, text) in [
        (b"".to_vec(), 422, "Choose a file."),
        (b"GIF89a".to_vec(), 422, "Choose a picture as JPEG"),
        (b"\x89PNG\r\n\x1a\n and no more".to_vec(), 400, "damaged"),
        (png(100, 60)[..90].to_vec(), 400, "damaged"),
        (png(8000, 6000), 413, "too large"),
        (vec![0xff; 5 * 1024 * 1024 + 1], 413, "too large"),
        (vec![0xff; 9 * 1024 * 1024], 413, "too large"),
    ] {
        let refused = upload(&browser, &path, &file).await.expect(status);
        assert!(refused.body.contains(text), "{text}: {}", refused.body);
        assert!(
            refused.html().all("p").any(|p| p.get("id") == Some("image-error")),
            "{text}"
        );
    }
    assert!(ticket(&api, &listing).await["image"].is_null());
    upload(&browser, &path, &png(1600, 900)).await.expect(303);
    let image = ticket(&api, &listing).await["image"]["url"]
        .as_str()
        .unwrap()
        .to_owned();
    let shown = browser.get(&path).await.expect(200).html();
    assert!(shown.all("img").any(|shown| shown.get("src") == Some(&image)));
    let (other, _) = seller(&shop, "other@example.com").await;
    upload(&other, &path, &png(10, 10)).await.expect(404);
    browser.post(&format!("{path}/removal"), &[]).await.expect(303);
    assert!(ticket(&api, &listing).await["image"].is_null());
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_is_in_the_plot_its_table_and_the_balance() {
    let shop = Shop::open().await;
    let (browser, _) = seller(&shop, "seller@example.com").await;
    assert!(
        browser
            .get("/sell/balance")
            .await
            .expect(200)
            .body
            .contains("You have sold nothing yet")
    );
    let path = create(&browser, &[]).await;
    let id = path.strip_prefix("/sell/").unwrap();
    let shown = browser.get(&path).await.expect(200);
    assert!(!shown.body.contains("chart-title") && shown.body.contains("Nobody has ordered yet"));
    assert!(shown.body.contains("The date is not fixed yet"), "{}", shown.body);
    let buyer = shop.account("buyer@example.com").await;
    let order = json!({"ticketId": id, "quantity": 3});
    let order = buyer
        .post_when_replicated("/api/v1/orders", order)
        .await
        .expect(201)
        .text_at("/id");
    let payment = json!({"orderId": order, "token": "tok_visa"});
    let _ = buyer
        .post_when_replicated("/api/v1/payments", payment)
        .await
        .expect(201);
    for language in ["en", "de"] {
        // The account is English; the person chooses another language.
        let chosen = format!("?lang={language}");
        let is_plotted = async || {
            let shown = browser.get(&format!("{path}{chosen}")).await.expect(200);
            shown.body.contains("chart-title").then_some(shown)
        };
        let shown = eventually("the sale is plotted", is_plotted).await;
        let html = shown.html();
        let svg = html.all("svg").find(|svg| svg.get("class") == Some("chart")).unwrap();
        assert_eq!(
            (svg.get("role"), svg.get("aria-labelledby")),
            (Some("img"), Some("chart-title"))
        );
        assert!(
            html.all("desc").any(|text| text.text.starts_with("3 ")),
            "{}",
            shown.body
        );
        let numbers = html.all("td").filter(|cell| cell.text.trim() == "3").count();
        assert!(numbers >= 3, "{}", shown.body);
        assert!(html.elements.iter().all(|element| element.get("style").is_none()));
        let is_booked = async || {
            let shown = browser.get(&format!("/sell/balance{chosen}")).await.expect(200);
            shown.body.contains(&order).then_some(shown)
        };
        let balance = eventually("the sale is in the ledger", is_booked).await;
        balance.html();
        let sold = if language == "en" { "€59.97" } else { "59,97\u{a0}€" };
        // Sold, the share, and what is due; and what the sale has added to the first two.
        assert_eq!(balance.body.matches(sold).count(), 5, "{}", balance.body);
    }
    let csv = browser.get("/sell/balance/ledger.csv").await.expect(200);
    assert!(
        csv.header("content-type").starts_with("text/csv") && csv.body.contains(&order),
        "{}",
        csv.body
    );
    let location = shop.browser().get("/sell/balance/ledger.csv").await.expect(303);
    assert!(location.header("location").starts_with("/signin?next="));
    shop.close().await;
}
