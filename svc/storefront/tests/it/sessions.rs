use crate::shop::{PASSWORD, Shop};

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_up_signs_out_and_in_again_and_returns_to_where_they_were() {
    let shop = Shop::open().await;
    let browser = shop.browser();
    browser.sign_up("ada@example.com").await;
    assert!(browser.get("/").await.body.contains("action=\"/signout\""));
    for cookie in browser.cookies() {
        assert!(
            cookie.attributes.contains("HttpOnly") && cookie.path == "/",
            "{cookie:?}"
        );
    }
    assert!(
        browser
            .cookie("ticketing_refresh")
            .unwrap()
            .attributes
            .contains("SameSite=Strict")
    );
    // The access token has expired: signing out needs no new one.
    browser.lose("ticketing_session");
    browser.post("/signout", &[]).await.expect(303);
    assert!(browser.cookie("ticketing_refresh").is_none());
    assert!(!browser.get("/").await.body.contains("action=\"/signout\""));

    let page = browser.get("/signin?next=/events/1%3Fa%3Db").await.expect(200).html();
    let next = page.value_of("next");
    let wrong = [("email", "ada@example.com"), ("password", "wrong"), ("next", &next)];
    let refused = browser.post("/signin", &wrong).await.expect(422);
    let html = refused.html();
    assert!(refused.body.contains("aria-invalid=\"true\"") && html.value_of("next") == next);
    assert_eq!(html.value_of("email"), "ada@example.com");
    assert!(!refused.body.contains("wrong\""), "the password is not repeated");
    let right = [("email", "Ada@Example.com"), ("password", PASSWORD), ("next", &next)];
    let signed_in = browser.post("/signin", &right).await.expect(303);
    assert_eq!(signed_in.header("location"), "/events/1?a=b");
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_form_leads_to_another_site() {
    let shop = Shop::open().await;
    shop.account("ada@example.com").await;
    for next in [
        "//attacker.example",
        "https://attacker.example",
        "/\\attacker.example",
        "/\t/attacker.example",
    ] {
        let fields = [("email", "ada@example.com"), ("password", PASSWORD), ("next", next)];
        let signed_in = shop.browser().post("/signin", &fields).await.expect(303);
        assert_eq!(signed_in.header("location"), "/", "{next:?}");
    }
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_another_site_changes_nothing() {
    let shop = Shop::open().await;
    let browser = shop.browser();
    browser.sign_up("ada@example.com").await;
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://attacker.example"),
        ("origin", "null"),
    ] {
        let forged = browser.clone().with(name, value);
        let refused = forged.post("/signout", &[]).await.expect(403);
        assert_eq!(refused.html().all("h1").count(), 1);
        let fields = [("email", "ada@example.com"), ("password", PASSWORD)];
        forged.post("/signin", &fields).await.expect(403);
        assert!(browser.cookie("ticketing_session").is_some());
    }
    browser
        .clone()
        .with("sec-fetch-site", "same-origin")
        .post("/signout", &[])
        .await
        .expect(303);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_that_no_page_of_ours_sends_are_refused() {
    let shop = Shop::open().await;
    let browser = shop.browser();
    let large = "a".repeat(70_000);
    browser.post("/signin", &[("email", &large)]).await.expect(413);
    let json = browser.clone().with("content-type", "application/json");
    json.post("/signin", &[]).await.expect(400);
    let empty = browser.post("/signup", &[]).await.expect(422);
    assert_eq!(empty.body.matches("aria-invalid=\"true\"").count(), 2);
    let bad = [("email", "no address"), ("password", "short"), ("key", "k")];
    let bad = browser.post("/signup", &bad).await.expect(422);
    assert_eq!(bad.body.matches("aria-invalid=\"true\"").count(), 2);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_follows_a_link_in_a_mail_is_signed_in() {
    let shop = Shop::open().await;
    let browser = shop.browser();
    browser.sign_up("ada@example.com").await;
    let arriving = || {
        shop.browser()
            .with("sec-fetch-mode", "navigate")
            .with("sec-fetch-site", "cross-site")
    };
    // Of the cookies, a browser sends those that are Lax; the access token has expired.
    let with_hint = arriving().with("cookie", "ticketing_hint=1");
    let page = with_hint.get("/events/1?a=b").await.expect(200);
    assert!(
        page.body
            .contains("http-equiv=\"refresh\" content=\"0;url=/events/1?a=b\""),
        "{}",
        page.body
    );
    let hostile = with_hint.get("//attacker.example/").await.expect(200);
    assert!(!hostile.body.contains("url=//"), "{}", hostile.body);
    // Then it comes from our own page, and has all cookies.
    let next = browser
        .clone()
        .with("sec-fetch-site", "same-origin")
        .get("/")
        .await
        .expect(200);
    assert!(next.body.contains("action=\"/signout\""));
    // Visitors without a session see the page at once.
    assert!(arriving().get("/").await.body.contains("<h1>What"));
    let signed_in = arriving().with("cookie", "ticketing_hint=1; ticketing_refresh=a");
    assert!(signed_in.get("/").await.body.contains("<h1>What"));
    browser.post("/signout", &[]).await.expect(303);
    assert!(browser.cookie("ticketing_hint").is_none());
    shop.close().await;
}
