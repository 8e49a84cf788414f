//! The account of a person: name, language, address, password, sessions.

use serde_json::json;

use crate::{
    browser::Browser,
    shop::{PASSWORD, Shop},
};

const NEW_PASSWORD: &str = "a better horse battery staple";

/// Sends a form, which must be refused beside these fields.
async fn expect_refused(browser: &Browser, path: &str, form: &[(&str, &str)], status: u16, fields: &[&str]) {
    let refused = browser.post(path, form).await.expect(status);
    let html = refused.html();
    let marked = html
        .elements
        .iter()
        .filter(|element| element.get("aria-invalid") == Some("true"));
    let marked: Vec<_> = marked.map(|element| element.get("id").unwrap()).collect();
    assert_eq!(marked, fields, "{path} {form:?}");
    for field in fields {
        let id = format!("{field}-error");
        assert!(
            html.all("p").any(|p| p.get("id") == Some(&id) && !p.text.is_empty()),
            "{path}: {id}"
        );
    }
    for (name, secret) in form {
        let is_secret = ["password", "current"].contains(name) && !secret.is_empty();
        assert!(
            !is_secret || !refused.body.contains(&format!("\"{secret}\"")),
            "{path} repeats {name}"
        );
    }
}

async fn sign_in(shop: &Shop, email: &str, password: &str) -> (Browser, u16) {
    let browser = shop
        .browser()
        .with("user-agent", "Mozilla/5.0 (X11; Linux) Firefox/140.0");
    let fields = [("email", email), ("password", password)];
    let status = browser.post("/signin", &fields).await.status;
    (browser, status)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_an_account_need_a_session_and_are_shown_after_signing_in() {
    let shop = Shop::open().await;
    for path in [
        "/account",
        "/account/data",
        "/account/deletion",
        "/account/email",
        "/account/password",
        "/account/sessions",
        "/account/second-factor",
        "/account/second-factor/recovery-codes",
        "/account/second-factor/removal",
    ] {
        let query = url::form_urlencoded::byte_serialize(path.as_bytes()).collect::<String>();
        let sign_in = shop.browser().get(path).await.expect(303);
        assert_eq!(sign_in.header("location"), format!("/signin?next={query}"));
    }
    for path in [
        "/account",
        "/account/confirmation",
        "/account/deletion",
        "/account/deletion/withdrawal",
        "/account/email",
        "/account/password",
        "/account/sessions/end",
        "/account/sessions/end-others",
        "/account/second-factor",
        "/account/second-factor/confirmation",
        "/account/second-factor/recovery-codes",
        "/account/second-factor/removal",
    ] {
        let sign_in = shop.browser().post(path, &[]).await.expect(303);
        assert!(sign_in.header("location").starts_with("/signin?next="), "{path}");
        // Who returns there after signing in sees a page.
        let browser = shop.browser();
        browser
            .sign_up(&format!("ada{}@example.com", path.replace('/', "-")))
            .await;
        let shown = browser.get(path).await;
        let page = if shown.status == 303 {
            browser.get(shown.header("location")).await
        } else {
            shown
        };
        page.expect(200).html();
    }
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_an_account_are_well_formed_in_both_languages_and_lead_somewhere() {
    let shop = Shop::open().await;
    for language in ["en", "de"] {
        let browser = shop.browser().with("accept-language", language);
        browser.sign_up(&format!("ada-{language}@example.com")).await;
        let pages = [
            "/account",
            "/account?done=email",
            "/account/deletion",
            "/account/email",
            "/account/password",
            "/account/sessions?done=1",
            "/account/second-factor?removed=1",
            "/confirm",
            "/forgot",
        ];
        for path in pages {
            let html = browser.get(path).await.expect(200).html();
            assert_eq!(html.all("html").next().unwrap().get("lang"), Some(language));
            assert_eq!(html.all("h1").count(), 1, "{path}");
            assert!(html.unlabelled().is_empty(), "{path}");
            // Those that change the language are left out.
            for link in html.paths().into_iter().filter(|link| !link.contains("lang=")) {
                let is_here = ["/account", "/forgot", "/confirm", "/signin"]
                    .iter()
                    .any(|own| link.starts_with(own));
                let status = browser.get(&link).await.status;
                assert!(!is_here || status == 200, "{path}: {link}: {status}");
            }
        }
    }
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn name_and_language_are_changed_and_a_refused_form_keeps_what_was_entered() {
    let shop = Shop::open().await;
    let browser = shop.browser();
    browser.sign_up("ada@example.com").await;
    let saved = browser
        .post("/account", &[("name", " Ada <Lovelace> "), ("language", "de")])
        .await
        .expect(303);
    let html = browser.get(saved.header("location")).await.expect(200).html();
    assert_eq!(html.value_of("name"), "Ada <Lovelace>");
    let selected = html.all("option").find(|option| option.get("selected").is_some());
    assert_eq!(selected.unwrap().get("value"), Some("de"));
    assert!(
        html.elements
            .iter()
            .any(|element| element.get("role") == Some("status"))
    );

    let long = "a".repeat(101);
    expect_refused(
        &browser,
        "/account",
        &[("name", &long), ("language", "en")],
        422,
        &["name"],
    )
    .await;
    let refused = browser.post("/account", &[("name", &long), ("language", "en")]).await;
    assert_eq!(refused.html().value_of("name"), long);
    expect_refused(
        &browser,
        "/account",
        &[("name", "Ada"), ("language", "xx")],
        422,
        &["language"],
    )
    .await;
    browser
        .post("/account", &[("name", ""), ("language", "en")])
        .await
        .expect(303);
    assert_eq!(browser.get("/account").await.html().value_of("name"), "");
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_is_changed_once_both_addresses_have_confirmed() {
    let shop = Shop::open().await;
    let browser = shop.browser();
    browser.sign_up("ada@example.com").await;
    let path = "/account/email";
    expect_refused(&browser, path, &[], 422, &["email", "password"]).await;
    let bad = [("email", "no address"), ("password", PASSWORD)];
    expect_refused(&browser, path, &bad, 422, &["email"]).await;
    let wrong = [("email", "ada@lovelace.example"), ("password", "wrong")];
    expect_refused(&browser, path, &wrong, 403, &["password"]).await;
    let right = [("email", "ada@lovelace.example"), ("password", PASSWORD)];
    let sent = browser.post(path, &right).await.expect(303);
    browser.get(sent.header("location")).await.expect(200).html();

    let own = shop.link_in_mail("ada@example.com", "/change-email/", &[]).await;
    let new = shop.link_in_mail("ada@lovelace.example", "/change-email/", &[]).await;
    for (link, address) in [(own, "ada@example.com"), (new, "ada@lovelace.example")] {
        let page = browser.get(&link).await.expect(200);
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        browser.post(&link, &[]).await.expect(200).html();
        assert!(
            browser
                .get("/account")
                .await
                .expect(200)
                .body
                .contains(&format!("<bdi>{address}</bdi>"))
        );
    }
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_signs_out_all_other_devices() {
    let shop = Shop::open().await;
    let browser = shop.browser();
    browser.sign_up("ada@example.com").await;
    let (other, _) = sign_in(&shop, "ada@example.com", PASSWORD).await;
    other.get("/account").await.expect(200);
    let path = "/account/password";
    expect_refused(&browser, path, &[], 422, &["current", "password"]).await;
    let wrong = [("current", "wrong"), ("password", NEW_PASSWORD)];
    expect_refused(&browser, path, &wrong, 403, &["current"]).await;
    for bad in ["short", "password1", "ada@example.com"] {
        let form = [("current", PASSWORD), ("password", bad)];
        expect_refused(&browser, path, &form, 422, &["password"]).await;
    }
    let form = [("current", PASSWORD), ("password", NEW_PASSWORD)];
    let changed = browser.post(path, &form).await.expect(303);
    browser.get(changed.header("location")).await.expect(200);
    other.get("/account").await.expect(303);
    assert_eq!(sign_in(&shop, "ada@example.com", PASSWORD).await.1, 422);
    assert_eq!(sign_in(&shop, "ada@example.com", NEW_PASSWORD).await.1, 303);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_listed_and_ended_one_by_one_or_all_others() {
    let shop = Shop::open().await;
    let browser = shop.browser();
    browser.sign_up("ada@example.com").await;
    let sessions = async || {
        let html = browser.get("/account/sessions").await.expect(200).html();
        let fields = html.all("input").filter(|input| input.get("name") == Some("session"));
        fields
            .map(|field| field.get("value").unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    // The present one cannot be ended here.
    assert!(sessions().await.is_empty());
    let mut others = Vec::new();
    for _ in 0..3 {
        others.push(sign_in(&shop, "ada@example.com", PASSWORD).await.0);
    }
    let page = browser.get("/account/sessions").await.expect(200);
    assert!(page.body.contains("Firefox"), "{}", page.body);
    let listed = sessions().await;
    assert_eq!(listed.len(), 3);

    // The newest one is the first.
    browser
        .post("/account/sessions/end", &[("session", &listed[0])])
        .await
        .expect(303);
    others[2].get("/account").await.expect(303);
    others[1].get("/account").await.expect(200);
    assert_eq!(sessions().await, listed[1..]);
    // It has ended already; what is no session of ours is not there either.
    for gone in [listed[0].as_str(), "01936f5e-8c1b-7a51-8f0e-5f1d2c3b4a59"] {
        browser
            .post("/account/sessions/end", &[("session", gone)])
            .await
            .expect(303);
    }
    browser
        .post("/account/sessions/end", &[("session", "x")])
        .await
        .expect(400);
    let stranger = shop.browser();
    stranger.sign_up("eve@example.com").await;
    stranger
        .post("/account/sessions/end", &[("session", &listed[1])])
        .await
        .expect(303);
    assert_eq!(sessions().await, listed[1..]);

    browser.post("/account/sessions/end-others", &[]).await.expect(303);
    assert!(sessions().await.is_empty());
    for other in others {
        other.get("/account").await.expect(303);
    }
    shop.close().await;
}

/// Returns the language of a page.
async fn language(browser: &Browser, path: &str) -> String {
    let html = browser.get(path).await.html();
    let root = html.all("html").next().unwrap();
    root.get("lang").unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_have_the_language_of_the_account_unless_another_one_was_chosen() {
    let shop = Shop::open().await;
    let email = "heike@example.com";
    let english = || shop.browser().with("accept-language", "en");
    let german = shop.browser().with("accept-language", "de");
    german.sign_up(email).await;
    let sign_in = async |browser: &Browser| {
        let fields = [("email", email), ("password", PASSWORD)];
        browser.post("/signin", &fields).await.expect(303);
    };
    let browser = english();
    assert_eq!(language(&browser, "/").await, "en");
    sign_in(&browser).await;
    for path in ["/", "/account", "/nowhere"] {
        assert_eq!(language(&browser, path).await, "de", "{path}");
    }
    // A choice on a page counts more, until the language of the account is saved.
    assert_eq!(language(&browser, "/?lang=en").await, "en");
    assert_eq!(language(&browser, "/account").await, "en");
    let save = async |code: &str| {
        let fields = [("name", "Heike"), ("language", code)];
        browser.post("/account", &fields).await.expect(303);
    };
    save("de").await;
    assert_eq!(language(&browser, "/account").await, "de");
    // A change on another device reaches this one by the page of the account.
    let fields = [("name", "Heike"), ("language", "en")];
    german.post("/account", &fields).await.expect(303);
    assert_eq!(language(&browser, "/").await, "de");
    browser.get("/account").await.expect(200);
    assert_eq!(language(&browser, "/").await, "en");
    save("de").await;
    assert_eq!(language(&browser, "/").await, "de");
    // Somebody else may use the browser after signing out.
    browser.post("/signout", &[]).await.expect(303);
    assert_eq!(language(&browser, "/").await, "en");
    let chooser = english();
    assert_eq!(language(&chooser, "/?lang=en").await, "en");
    sign_in(&chooser).await;
    assert_eq!(language(&chooser, "/account").await, "en");
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_deleted_with_the_password_unless_something_is_open() {
    let shop = Shop::open().await;
    let seller = shop.account("ada@example.com").await;
    let (browser, _) = sign_in(&shop, "ada@example.com", PASSWORD).await;
    let path = "/account/deletion";
    expect_refused(&browser, path, &[("password", "")], 422, &["password"]).await;
    expect_refused(&browser, path, &[("password", "wrong")], 403, &["password"]).await;

    let listing = shop.list(&seller, json!({"quantity": 3})).await;
    let requested = browser.post(path, &[("password", PASSWORD)]).await.expect(303);
    let result = requested.header("location").to_owned();
    let refused = testkit::eventually("the deletion is refused", || async {
        let page = browser.get(&result).await.expect(200);
        page.body.contains("Your account was not deleted").then_some(page)
    })
    .await;
    assert!(
        refused.body.contains("Tickets of yours are on sale"),
        "{}",
        refused.body
    );
    assert_eq!(
        refused
            .html()
            .all("form")
            .filter(|form| form.get("action") == Some(path))
            .count(),
        1
    );
    let withdrawal = format!("/api/v1/orders/withdrawals/{listing}");
    testkit::eventually("the listing is withdrawn in both services", || async {
        let withdrawn = seller.delete(&format!("/api/v1/tickets/{listing}")).await.status == 204;
        let known = seller.get(&withdrawal).await;
        let is_known = known.status == 200 && known.json()["withdrawnAt"].is_string();
        (withdrawn && is_known).then_some(())
    })
    .await;

    let requested = browser.post(path, &[("password", PASSWORD)]).await.expect(303);
    let result = testkit::eventually("the account is deleted", || async {
        let result = browser.get(requested.header("location")).await.expect(200);
        result.body.contains("Your account is deleted").then_some(result)
    })
    .await;
    assert!(!result.body.contains("ada@example.com"));
    browser.get("/account").await.expect(303);
    let (_, status) = sign_in(&shop, "ada@example.com", PASSWORD).await;
    assert_eq!(status, 422);
    shop.close().await;
}
