//! Pages that links in mails lead to.

use crate::{
    browser::Browser,
    shop::{PASSWORD, Shop},
};

const NEW_PASSWORD: &str = "a better horse battery staple";

/// Sends the form of a sign-up, and returns the response.
async fn sign_up(browser: &Browser, email: &str) -> crate::browser::Visited {
    sign_up_for(browser, email, "/").await
}

/// Sends the form of a sign-up that returns to `next`, and returns the response.
async fn sign_up_for(browser: &Browser, email: &str, next: &str) -> crate::browser::Visited {
    let key = browser.get("/signup").await.expect(200).html().value_of("key");
    let fields = [("email", email), ("password", PASSWORD), ("key", &key), ("next", next)];
    browser.post("/signup", &fields).await
}

/// Visits the page of a link, which must send its address nowhere.
async fn visit_link(browser: &Browser, link: &str) {
    let page = browser.get(link).await.expect(200);
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    assert_eq!(page.header("cache-control"), "no-store");
    let html = page.html();
    assert!(html.unlabelled().is_empty());
    assert!(html.all("form").any(|form| form.get("action") == Some(link)), "{link}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_addresses_are_concealed_a_sign_up_is_completed_by_the_mail_and_says_the_same_for_a_taken_address() {
    let shop = Shop::open_with(|settings| settings.auth.sign_up_reveals_addresses = false).await;
    let browser = shop.browser().with("accept-language", "de");
    let new = sign_up(&browser, "ada@example.com").await.expect(202);
    assert!(new.body.contains("ada@example.com"));
    assert!(browser.cookie("ticketing_session").is_none());
    let credentials = [("email", "ada@example.com"), ("password", PASSWORD)];
    browser.post("/signin", &credentials).await.expect(422);

    let link = shop.link_in_mail("ada@example.com", "/confirm/", &[]).await;
    visit_link(&browser, &link).await;
    // A program that follows the link confirms nothing.
    browser.post("/signin", &credentials).await.expect(422);
    let confirmed = browser.post(&link, &[]).await.expect(200);
    assert!(confirmed.html().paths().contains(&"/signin".to_owned()));
    assert!(confirmed.body.contains("ada@example.com"));
    browser.post("/signin", &credentials).await.expect(303);
    let used = browser.post(&link, &[]).await.expect(400);
    assert_eq!(used.html().all("h1").count(), 1);

    let stranger = shop.browser().with("accept-language", "de");
    let taken = sign_up(&stranger, "ada@example.com").await.expect(202);
    assert_eq!(taken.body, new.body);
    // It was written in the language of the page, and leads to the page for signing in.
    assert_eq!(shop.link_in_mail("ada@example.com", "/signin", &[]).await, "/signin");

    // A person who came by the link of a ticket has to open it once more.
    let hint = "nehmen Sie die Karte an";
    assert!(!new.body.contains(hint));
    let recipient = shop.browser().with("accept-language", "de");
    let mailed = sign_up_for(&recipient, "grace@example.com", "/transfers/abc").await;
    assert!(mailed.expect(202).body.contains(hint));
    // Who came for an event returns to it by signing in.
    let mailed = sign_up_for(&recipient, "edsger@example.com", "/events/abc")
        .await
        .expect(202);
    assert!(mailed.body.contains("dann sind Sie wieder bei der Veranstaltung."));
    let sign_in = "/signin?next=%2Fevents%2Fabc".to_owned();
    assert!(mailed.html().paths().contains(&sign_in), "{:?}", mailed.html().paths());
    let sign_in = recipient.get(&sign_in).await.expect(200);
    assert!(sign_in.html().paths().contains(&"/confirm".to_owned()));
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_password_is_replaced_by_the_link_of_a_mail_and_ends_the_session() {
    let shop = Shop::open().await;
    let browser = shop.browser();
    browser.sign_up("ada@example.com").await;
    let known = browser
        .post("/forgot", &[("email", "ada@example.com")])
        .await
        .expect(202);
    let unknown = browser
        .post("/forgot", &[("email", "bob@example.com")])
        .await
        .expect(202);
    assert_eq!(known.body, unknown.body.replace("bob@", "ada@"));
    for bad in ["", "no address"] {
        let refused = browser.post("/forgot", &[("email", bad)]).await.expect(422);
        assert!(
            refused
                .html()
                .all("input")
                .any(|input| input.get("aria-invalid") == Some("true"))
        );
        assert_eq!(refused.html().value_of("email"), bad);
    }

    let link = shop.link_in_mail("ada@example.com", "/reset/", &[]).await;
    visit_link(&browser, &link).await;
    let mut reasons = Vec::new();
    for bad in ["", "short", "password", "ada@example.com"] {
        let refused = browser.post(&link, &[("password", bad)]).await.expect(422);
        assert_eq!(refused.header("referrer-policy"), "no-referrer");
        let html = refused.html();
        let error = html.all("p").find(|p| p.get("id") == Some("password-error"));
        reasons.push(error.unwrap().text.clone());
    }
    assert!(
        reasons[0] != reasons[1] && reasons[1] != reasons[2] && reasons[2] == reasons[3],
        "{reasons:?}"
    );
    browser.post(&link, &[("password", NEW_PASSWORD)]).await.expect(200);
    assert!(browser.cookie("ticketing_session").is_none(), "the session has ended");
    let sign_in = async |password| {
        let fields = [("email", "ada@example.com"), ("password", password)];
        shop.browser().post("/signin", &fields).await.status
    };
    assert_eq!((sign_in(PASSWORD).await, sign_in(NEW_PASSWORD).await), (422, 303));
    let used = browser.post(&link, &[("password", NEW_PASSWORD)]).await.expect(400);
    assert!(used.html().paths().contains(&"/forgot".to_owned()));
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_was_never_sent_is_explained() {
    let shop = Shop::open().await;
    let long = "a".repeat(300);
    for token in ["x", "a.b~c", long.as_str()] {
        for page in ["confirm", "reset", "change-email"] {
            let path = format!("/{page}/{token}");
            shop.browser().get(&path).await.expect(200).html();
            let refused = shop
                .browser()
                .post(&path, &[("password", NEW_PASSWORD)])
                .await
                .expect(400);
            assert_eq!(refused.header("referrer-policy"), "no-referrer", "{path}");
            assert_eq!(refused.html().all("h1").count(), 1);
        }
    }
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_is_signed_in_confirms_the_address_by_a_mail_that_was_sent_again() {
    let shop = Shop::open().await;
    let browser = shop.browser();
    browser.sign_up("ada@example.com").await;
    let first = shop.link_in_mail("ada@example.com", "/confirm/", &[]).await;
    let account = browser.get("/account").await.expect(200).html();
    let again = "/account/confirmation";
    assert!(account.all("form").any(|form| form.get("action") == Some(again)));
    let sent = browser.post(again, &[]).await.expect(303);
    browser.get(sent.header("location")).await.expect(200).html();
    let second = shop.link_in_mail("ada@example.com", "/confirm/", &[&first]).await;
    let before = browser.cookie("ticketing_session").unwrap().value;
    browser.post(&second, &[]).await.expect(200);
    let after = browser.cookie("ticketing_session").unwrap().value;
    assert_ne!(before, after, "the next access token states the confirmation");
    let account = browser.get("/account").await.expect(200).html();
    assert!(!account.all("form").any(|form| form.get("action") == Some(again)));
    shop.close().await;
}
