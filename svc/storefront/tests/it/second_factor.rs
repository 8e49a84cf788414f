//! The second factor: set up, required to sign in, renewed, removed.

use serde_json::json;
use totp_rs::{Builder, Secret, Totp};
use values::Timestamp;

use crate::{
    browser::{Browser, Visited},
    shop::{PASSWORD, Shop},
};

const EMAIL: &str = "ada@example.com";
const FACTOR: &str = "/account/second-factor";
const CODE: &str = "/signin/code";

/// An authenticator.
struct Phone(Totp);

impl Phone {
    /// Returns the code of this half minute, or of a later one.
    fn code(&self, later: u64) -> String {
        let clock = values::Clock::system();
        let now: Timestamp = clock.now();
        let seconds = u64::try_from(now.seconds()).unwrap() + 30 * later;
        self.0.generate(seconds).to_string()
    }
}

/// Signs in by the password alone.
async fn first_step(browser: &Browser, next: &str) -> Visited {
    let fields = [("email", EMAIL), ("password", PASSWORD), ("next", next)];
    browser.post("/signin", &fields).await.expect(303)
}

/// Returns the recovery codes of a page.
fn codes(page: &Visited) -> Vec<String> {
    let html = page.html();
    html.all("code").map(|code| code.text.clone()).collect()
}

#[track_caller]
fn assert_marked(page: &Visited, fields: &[&str]) {
    let html = page.html();
    let marked = html
        .elements
        .iter()
        .filter(|element| element.get("aria-invalid") == Some("true"));
    let marked: Vec<_> = marked.map(|element| element.get("id").unwrap()).collect();
    assert_eq!(marked, fields);
}

/// Signs up and sets up a second factor by the pages. Returns the recovery codes.
async fn set_up(browser: &Browser) -> (Phone, Vec<String>) {
    browser.sign_up(EMAIL).await;
    browser.get(FACTOR).await.expect(200);
    assert_marked(&browser.post(FACTOR, &[]).await.expect(422), &["password"]);
    assert_marked(
        &browser.post(FACTOR, &[("password", "wrong")]).await.expect(403),
        &["password"],
    );
    let enrolled = browser.post(FACTOR, &[("password", PASSWORD)]).await.expect(200);
    assert_eq!(enrolled.header("cache-control"), "no-store");
    let html = enrolled.html();
    let picture = html.all("img").next().unwrap();
    assert!(picture.get("src").unwrap().starts_with("data:image/svg+xml,%3C"));
    assert!(!picture.get("alt").unwrap().is_empty());
    assert!(
        enrolled
            .header("content-security-policy")
            .contains("img-src 'self' data:")
    );
    assert!(
        html.all("a")
            .any(|link| link.get("href").is_some_and(|href| href.starts_with("otpauth://totp/")))
    );
    let secret = html.value_of("secret");
    let phone = Phone(
        Builder::new()
            .with_secret(Secret::try_from_base32(&secret).unwrap())
            .build()
            .unwrap(),
    );

    let confirm = "/account/second-factor/confirmation";
    for wrong in ["", "000000x", &"1".repeat(41)] {
        let refused = browser.post(confirm, &[("code", wrong), ("secret", &secret)]).await;
        assert!([403, 422].contains(&refused.status), "{}", refused.status);
        assert_marked(&refused, &["code"]);
        assert_eq!(refused.html().value_of("secret"), secret);
    }
    let hostile = browser
        .post(confirm, &[("code", ""), ("secret", "<script>")])
        .await
        .expect(422);
    assert_eq!(hostile.html().value_of("secret"), "");
    let confirmed = browser
        .post(confirm, &[("code", &phone.code(0)), ("secret", &secret)])
        .await
        .expect(200);
    assert_eq!(confirmed.header("cache-control"), "no-store");
    let recovery = codes(&confirmed);
    assert_eq!(recovery.len(), 10);
    (phone, recovery)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_with_a_second_factor_signs_in_with_a_code_and_returns_to_where_they_were() {
    let shop = Shop::open().await;
    let first = shop.browser();
    let (phone, recovery) = set_up(&first).await;

    let browser = shop.browser();
    let step = first_step(&browser, "/account/sessions").await;
    let page = step.header("location").to_owned();
    assert_eq!(page, "/signin/code?next=%2Faccount%2Fsessions");
    assert!(browser.cookie("ticketing_session").is_none());
    let challenge = browser.cookie("ticketing_challenge").unwrap();
    assert!(
        challenge.path == "/signin" && challenge.attributes.contains("HttpOnly"),
        "{challenge:?}"
    );
    let html = browser.get(&page).await.expect(200).html();
    assert!(html.unlabelled().is_empty());
    let next = html.value_of("next");
    for wrong in ["", "000000x"] {
        let refused = browser
            .post(CODE, &[("code", wrong), ("next", &next)])
            .await
            .expect(422);
        assert_marked(&refused, &["code"]);
        assert_eq!(refused.html().value_of("next"), next);
    }
    let code = phone.code(1);
    let done = browser
        .post(CODE, &[("code", &code), ("next", &next)])
        .await
        .expect(303);
    assert_eq!(done.header("location"), "/account/sessions");
    assert!(browser.cookie("ticketing_challenge").is_none());
    browser.get("/account/sessions").await.expect(200);

    // The same code once more, then a recovery code.
    let browser = shop.browser();
    let step = first_step(&browser, "//attacker.example").await;
    assert_eq!(step.header("location"), CODE);
    assert_marked(&browser.post(CODE, &[("code", &code)]).await.expect(422), &["code"]);
    let html = browser.get("/signin/code?recovery=1").await.expect(200).html();
    assert!(html.unlabelled().is_empty() && html.value_of("recovery") == "1");
    let form = [
        ("code", recovery[0].as_str()),
        ("recovery", "1"),
        ("next", "//attacker.example"),
    ];
    assert_eq!(browser.post(CODE, &form).await.expect(303).header("location"), "/");
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_step_without_a_valid_challenge_leads_to_the_first() {
    let shop = Shop::open().await;
    let browser = shop.browser();
    assert_eq!(
        browser
            .get("/signin/code?next=/orders")
            .await
            .expect(303)
            .header("location"),
        "/signin?next=%2Forders"
    );
    let expired = browser
        .post(CODE, &[("code", "123456"), ("next", "/orders")])
        .await
        .expect(303);
    assert_eq!(expired.header("location"), "/signin?next=%2Forders&expired=1");
    assert!(
        browser
            .get(expired.header("location"))
            .await
            .expect(200)
            .body
            .contains("notice--warn")
    );
    let forged = shop.browser().with("cookie", "ticketing_challenge=a.b.c");
    assert_eq!(
        forged
            .post(CODE, &[("code", "123456")])
            .await
            .expect(303)
            .header("location"),
        "/signin?expired=1"
    );
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn recovery_codes_are_renewed_and_the_second_factor_is_removed_with_password_and_code() {
    let shop = Shop::open().await;
    let browser = shop.browser();
    let (_, recovery) = set_up(&browser).await;
    let (renew, remove) = (
        "/account/second-factor/recovery-codes",
        "/account/second-factor/removal",
    );
    for path in [renew, remove] {
        assert!(browser.get(path).await.expect(200).html().unlabelled().is_empty());
        assert_marked(&browser.post(path, &[]).await.expect(422), &["password", "code"]);
        let wrong = [("password", "wrong"), ("code", recovery[0].as_str())];
        assert_marked(&browser.post(path, &wrong).await.expect(403), &["password"]);
        let wrong = [("password", PASSWORD), ("code", "000000x")];
        assert_marked(&browser.post(path, &wrong).await.expect(403), &["code"]);
    }
    let form = [("password", PASSWORD), ("code", recovery[0].as_str())];
    let renewed = codes(&browser.post(renew, &form).await.expect(200));
    assert!(renewed.len() == 10 && !renewed.contains(&recovery[1]));
    let earlier = [("password", PASSWORD), ("code", recovery[1].as_str())];
    assert_marked(&browser.post(remove, &earlier).await.expect(403), &["code"]);
    let form = [("password", PASSWORD), ("code", renewed[0].as_str())];
    let removed = browser.post(remove, &form).await.expect(303);
    browser.get(removed.header("location")).await.expect(200).html();
    // Forms of pages that are still open.
    assert_eq!(browser.post(remove, &form).await.expect(303).header("location"), FACTOR);
    assert_eq!(browser.get(renew).await.expect(303).header("location"), FACTOR);
    assert_eq!(
        first_step(&shop.browser(), "/orders").await.header("location"),
        "/orders"
    );
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tickets_whose_seller_requires_a_second_factor_are_bought_right_after_it_was_set_up() {
    let shop = Shop::open().await;
    let seller = shop.account("seller@example.com").await;
    let event = shop
        .list(&seller, json!({"quantity": 3, "requiresSecondFactor": true}))
        .await;
    let browser = shop.browser();
    let order = async || {
        let html = browser.get(&format!("/events/{event}")).await.expect(200).html();
        let names = ["ticket", "version", "price", "currency", "key"];
        let values = names.map(|name| html.value_of(name));
        let fields = names.iter().zip(&values).map(|(name, value)| (*name, value.as_str()));
        let fields: Vec<_> = fields.chain([("quantity", "1")]).collect();
        browser.post("/orders", &fields).await
    };
    set_up(&browser).await;
    let ordered = testkit::eventually("the listing can be ordered", async || {
        let response = order().await;
        (response.status != 404).then_some(response)
    });
    assert!(ordered.await.expect(303).header("location").starts_with("/orders/"));
    shop.close().await;
}
