use serde_json::json;

use crate::{
    browser::{Browser, Visited},
    shop::Shop,
    tickets::{sign_in, take},
};

fn is_sound(visited: &Visited) {
    let html = visited.html();
    assert!(html.unlabelled().is_empty(), "{:?}", html.unlabelled());
    assert_eq!(html.all("h1").count(), 1);
}

/// Returns the kind of the answer on a page.
fn answer(visited: &Visited) -> String {
    let html = visited.html();
    let found = html.all("div").find_map(|element| element.get("data-kind"));
    found.unwrap_or_default().to_owned()
}

/// Types a code into the form.
async fn enter(browser: &Browser, path: &str, code: &str) -> Visited {
    let key = browser.get(path).await.expect(200).html().value_of("key");
    browser.post(path, &[("key", &key), ("code", code)]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seller_checks_people_in_without_a_script() {
    let shop = Shop::open().await;
    let (seller, buyer) = (
        shop.account("seller@example.com").await,
        shop.account("buyer@example.com").await,
    );
    let fields = json!({"quantity": 5, "price": {"amount": 0, "currency": "eur"}, "timeZone": "Europe/Berlin"});
    let listing = shop.list(&seller, fields.clone()).await;
    let other = shop.list(&seller, fields).await;
    let (_, admissions) = take(&buyer, &listing, 2).await;
    let code = admissions[0]["code"].as_str().unwrap();
    let browser = sign_in(&shop, "seller@example.com", "en").await;
    let path = format!("/sell/{listing}/check-in");
    let page = browser.get(&path).await.expect(200);
    is_sound(&page);
    assert!(page.html().title().starts_with("The Lighthouse Keepers · "));
    assert!(page.body.contains("Nobody has been admitted yet."));
    assert!(page.header("permissions-policy").contains("camera=(self)"));
    assert!(
        browser
            .get("/")
            .await
            .header("permissions-policy")
            .contains("camera=()")
    );

    // The same form sent twice admits once, and answers the same.
    let key = page.html().value_of("key");
    for _ in 0..2 {
        let admitted = browser.post(&path, &[("key", &key), ("code", code)]).await.expect(200);
        is_sound(&admitted);
        assert_eq!(answer(&admitted), "admitted");
        assert!(admitted.body.contains("buyer@example.com") && admitted.body.contains("Ticket 1 of 2"));
    }
    let again = enter(&browser, &path, &code.to_lowercase().replace('-', " "))
        .await
        .expect(409);
    assert_eq!(answer(&again), "already-admitted");
    assert!(
        again.body.contains("by the seller") && again.body.contains("CE"),
        "{}",
        again.body
    );
    let second = admissions[1]["qr"].as_str().unwrap();
    let elsewhere = enter(&browser, &format!("/sell/{other}/check-in"), second)
        .await
        .expect(409);
    assert_eq!(answer(&elsewhere), "other-listing");
    assert_eq!(answer(&enter(&browser, &path, "hello").await.expect(422)), "malformed");
    assert_eq!(answer(&enter(&browser, &path, " ").await.expect(422)), "malformed");
    let unknown = "0000-0000-0000-0000-0000-0000-0000";
    assert_eq!(
        answer(&enter(&browser, &path, unknown).await.expect(404)),
        "unknown-code"
    );

    let german = sign_in(&shop, "seller@example.com", "de").await;
    let admission = german.get(&path).await.expect(200).html().value_of("admission");
    let undo = [("admission", admission.as_str())];
    let undone = german.post(&format!("{path}/undo"), &undo).await.expect(200);
    assert_eq!(answer(&undone), "undone");
    assert!(undone.body.contains("Der Code dieser Karte gilt wieder."));
    let twice = german.post(&format!("{path}/undo"), &undo).await.expect(409);
    assert_eq!(answer(&twice), "not-admitted");
    assert_eq!(
        german.get(&format!("{path}/undo")).await.expect(303).header("location"),
        path
    );
    assert_eq!(answer(&enter(&browser, &path, code).await.expect(200)), "admitted");

    // Others neither see nor admit anybody.
    let stranger = sign_in(&shop, "buyer@example.com", "en").await;
    is_sound(&stranger.get(&path).await.expect(403));
    drop(
        stranger
            .post(&path, &[("key", "k"), ("code", second)])
            .await
            .expect(403),
    );
    drop(shop.browser().get(&path).await.expect(303));
    drop(
        browser
            .get("/sell/01936f5e-8c1a-7c3e-9d2b-4f6a8b0c2d4e/check-in")
            .await
            .expect(404),
    );
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_of_a_door_is_shown_once_and_admits_until_it_is_revoked() {
    let shop = Shop::open().await;
    let (seller, buyer) = (
        shop.account("seller@example.com").await,
        shop.account("buyer@example.com").await,
    );
    let fields = json!({"quantity": 5, "price": {"amount": 0, "currency": "eur"}, "startsAt": "2035-01-01T19:00:00Z"});
    let listing = shop.list(&seller, fields).await;
    let (_, admissions) = take(&buyer, &listing, 1).await;
    let browser = sign_in(&shop, "seller@example.com", "en").await;
    let path = format!("/sell/{listing}/doors");
    let page = browser.get(&path).await.expect(200);
    is_sound(&page);
    assert!(page.html().title().starts_with("The Lighthouse Keepers · "));
    let (key, until) = (page.html().value_of("key"), page.html().value_of("expires-at"));
    let invalid = [("key", key.as_str()), ("name", " "), ("expires-at", "2001-01-01T00:00")];
    let invalid = browser.post(&path, &invalid).await.expect(422);
    is_sound(&invalid);
    assert!(invalid.body.contains("name-error") && !invalid.body.contains("/door#"));
    let past = [
        ("key", key.as_str()),
        ("name", "North"),
        ("expires-at", "2001-01-01T00:00"),
    ];
    assert!(
        browser
            .post(&path, &past)
            .await
            .expect(422)
            .body
            .contains("expires-at-error")
    );
    let long = "x".repeat(5000);
    let long = [
        ("key", key.as_str()),
        ("name", long.as_str()),
        ("expires-at", until.as_str()),
    ];
    assert!(browser.post(&path, &long).await.expect(422).body.contains("name-error"));

    let fields = [
        ("key", key.as_str()),
        ("name", "North \"<gate>\""),
        ("expires-at", until.as_str()),
    ];
    let created = browser.post(&path, &fields).await.expect(201);
    is_sound(&created);
    assert!(created.header("cache-control").contains("no-store"));
    let html = created.html();
    let address = html
        .all("input")
        .find(|input| input.get("id") == Some("address"))
        .unwrap();
    let (_, token) = address.get("value").unwrap().rsplit_once('.').unwrap();
    let list = browser.get(&path).await.expect(200);
    assert!(list.body.contains("North") && !list.body.contains(token));

    // What the script of the door does.
    let door = shop.api().bearer(token);
    let check_ins = format!("/api/v1/tickets/{listing}/check-ins");
    drop(
        door.post(&check_ins, json!({"code": admissions[0]["code"]}))
            .await
            .expect(200),
    );
    let check_in = format!("/sell/{listing}/check-in");
    let again = enter(&browser, &check_in, admissions[0]["code"].as_str().unwrap())
        .await
        .expect(409);
    assert!(again.html().text.contains("North \"<gate>\""), "{}", again.body);

    let html = list.html();
    let door_id = html.value_of("door");
    let mut revocations = html
        .all("form")
        .filter(|form| form.get("action").unwrap().ends_with("/revoke"));
    assert!(revocations.all(|form| form.parents.contains(&"details".to_owned())));
    let revoked = browser
        .post(&format!("{path}/revoke"), &[("door", &door_id)])
        .await
        .expect(303);
    assert_eq!(revoked.header("location"), path);
    drop(door.get(&check_ins).await.expect(401));
    assert!(browser.get(&path).await.body.contains("There is no door yet."));
    let stranger = sign_in(&shop, "buyer@example.com", "en").await;
    drop(stranger.get(&path).await.expect(403));
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_a_door_needs_no_account_and_keeps_its_fragment_on_arrival() {
    let shop = Shop::open().await;
    for language in ["en", "de"] {
        let page = shop
            .browser()
            .with("accept-language", language)
            .get("/door")
            .await
            .expect(200);
        is_sound(&page);
        assert!(page.header("permissions-policy").contains("camera=(self)"));
        assert!(page.body.contains("/assets/door."));
        assert!(page.header("content-security-policy").contains("worker-src 'self'"));
    }
    let worker = shop.browser().get("/door-worker.js").await.expect(200);
    assert!(worker.header("content-type").starts_with("text/javascript"));
    assert_eq!(worker.header("cache-control"), "no-cache");
    // Every file that it keeps exists.
    let files: Vec<_> = worker
        .body
        .split("'./")
        .skip(1)
        .map(|rest| rest.split('\'').next().unwrap())
        .collect();
    assert!(files.len() > 6, "{files:?}");
    for file in files {
        let _ = shop.browser().get(&format!("/assets/{file}")).await.expect(200);
    }
    let home = shop.browser().get("/").await.expect(200);
    assert!(home.header("content-security-policy").contains("worker-src 'none'"));
    // From a mail, with the hint of a session: not by the page that leads to the same address without its fragment.
    let arriving = shop
        .browser()
        .with("cookie", "ticketing_hint=1")
        .with("sec-fetch-mode", "navigate")
        .with("sec-fetch-site", "cross-site");
    let leads_on = |visited: Visited| visited.body.contains("http-equiv=\"refresh\"");
    assert!(!leads_on(arriving.get("/door").await.expect(200)));
    assert!(leads_on(arriving.get("/tickets").await.expect(200)));
    shop.close().await;
}
