//! Tickets that are given to somebody else.

use serde_json::{Value, json};
use testkit::Client;

use crate::{
    browser::{Browser, Visited},
    shop::Shop,
    tickets::{sign_in, take},
};

/// A buyer with two free tickets.
struct Gift {
    shop: Shop,
    seller: Client,
    listing: String,
    order: String,
    tickets: Vec<Value>,
    giver: Browser,
}

impl Gift {
    async fn new(fields: Value) -> Self {
        let shop = Shop::open().await;
        let (seller, buyer) = (
            shop.account("seller@example.com").await,
            shop.account("giver@example.com").await,
        );
        let mut all = json!({"quantity": 5, "price": {"amount": 0, "currency": "eur"}, "venue": "Laeiszhalle",
            "startsAt": "2035-01-01T19:00:00Z", "timeZone": "Europe/Berlin"});
        all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let listing = shop.list(&seller, all).await;
        let (order, tickets) = take(&buyer, &listing, 2).await;
        let giver = sign_in(&shop, "giver@example.com", "en").await;
        Self {
            shop,
            seller,
            listing,
            order,
            tickets,
            giver,
        }
    }

    fn path(&self, index: usize) -> String {
        format!("/tickets/{}", self.tickets[index]["id"].as_str().unwrap())
    }

    /// Offers a ticket by the form of its page, and returns the link of the mail.
    async fn offer(&self, index: usize, email: &str, seen: &[&str]) -> String {
        let path = self.path(index);
        let key = self.giver.get(&path).await.expect(200).html().value_of("key");
        let sent = self
            .giver
            .post(&format!("{path}/transfer"), &[("email", email), ("key", &key)])
            .await
            .expect(303);
        assert_eq!(sent.header("location"), format!("{path}#transfer"));
        self.shop.link_in_mail(email, "/transfers/", seen).await
    }

    async fn check_in(&self, code: &Value) -> u16 {
        let path = format!("/api/v1/tickets/{}/check-ins", self.listing);
        self.seller.post(&path, json!({"code": code})).await.status.as_u16()
    }
}

fn assert_secret(page: &Visited) {
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    assert_eq!(page.header("cache-control"), "no-store");
    let html = page.html();
    assert!(html.unlabelled().is_empty());
    assert_eq!(html.all("h1").count(), 1);
}

fn has(page: &Visited, text: &str) {
    assert!(page.body.contains(text), "{text}: {}", page.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_without_an_account_signs_up_by_the_link_and_has_the_ticket_from_then_on() {
    let gift = Gift::new(json!({})).await;
    let link = gift.offer(0, "grace@example.com", &[]).await;
    let shown = gift.giver.get(&gift.path(0)).await.expect(200);
    has(&shown, "grace@example.com");
    has(&shown, "Take the offer back");
    has(&gift.giver.get("/tickets").await.expect(200), "Offered");

    let grace = gift.shop.browser();
    let page = grace.get(&link).await.expect(200);
    assert_secret(&page);
    for text in [
        "The Lighthouse Keepers",
        "Laeiszhalle",
        "Mon, 1 January 2035, 20:00 CET",
    ] {
        has(&page, text);
    }
    assert!(!page.body.contains(gift.tickets[0]["code"].as_str().unwrap()));
    assert!(
        page.html()
            .all("button")
            .all(|button| button.get("value") != Some("accept"))
    );
    let sign_up = format!("/signup?next={}", link.replace('/', "%2F"));
    assert!(page.html().paths().contains(&sign_up), "{:?}", page.html().paths());
    // A form that is sent nevertheless leads to the sign-in page, and from there back.
    let refused = grace.post(&link, &[("answer", "accept")]).await.expect(303);
    assert_eq!(refused.header("location"), sign_up.replace("signup", "signin"));
    grace.sign_up("grace@example.com").await;
    let page = grace.get(&link).await.expect(200);
    assert_secret(&page);
    // Visiting accepts nothing.
    assert_eq!(
        gift.giver
            .get(&gift.path(0))
            .await
            .expect(200)
            .body
            .matches("qr.svg")
            .count(),
        1
    );

    let accepted = grace.post(&link, &[("answer", "accept")]).await.expect(303);
    assert_eq!(accepted.header("location"), gift.path(0));
    has(&grace.get(&gift.path(0)).await.expect(200), "qr.svg");
    let again = grace.post(&link, &[("answer", "accept")]).await.expect(303);
    assert_eq!(again.header("location"), gift.path(0));
    let visited = grace.get(&link).await.expect(200);
    assert_secret(&visited);
    has(&visited, "This ticket was accepted");
    assert_eq!(gift.check_in(&gift.tickets[0]["code"]).await, 409);

    // In the giver's order the ticket is somebody else's, whose address is not shown, and what is printed leaves it out.
    let of_order = format!("/tickets?order={}", gift.order);
    let list = gift.giver.get(&of_order).await.expect(200);
    has(&list, "Given away");
    assert!(!list.body.contains("grace@example.com"), "{}", list.body);
    let given = gift.giver.get(&gift.path(0)).await.expect(200);
    has(&given, "This ticket belongs to somebody else now.");
    assert!(!given.body.contains("qr.svg") && !given.body.contains("give-title"));
    let late = gift
        .giver
        .post(&format!("{}/transfer/removal", gift.path(0)), &[])
        .await
        .expect(409);
    has(&late, "the offer was accepted");
    // Grace's mail has the ticket; the giver's says that it was accepted.
    let _ = gift.shop.link_in_mail("grace@example.com", "/tickets", &[]).await;
    let stranger = gift.shop.browser();
    stranger.sign_up("stranger@example.com").await;
    let refused = stranger.post(&link, &[("answer", "accept")]).await.expect(409);
    assert_secret(&refused);
    has(&refused, "This ticket was accepted");
    gift.shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_is_declined_or_taken_back_and_the_giver_cannot_accept_it() {
    let gift = Gift::new(json!({})).await;
    let link = gift.offer(0, "grace@example.com", &[]).await;
    let own = gift.giver.post(&link, &[("answer", "accept")]).await.expect(403);
    assert_secret(&own);
    has(&own, "This is your own ticket");
    let grace = gift.shop.browser().with("accept-language", "de");
    grace.sign_up("grace@example.com").await;
    let page = grace.get(&link).await.expect(200);
    has(&page, "Karte annehmen");
    has(
        &page,
        "Wird dem Käufer das Geld erstattet, gilt diese Karte nicht mehr.",
    );
    let declined = grace.post(&link, &[("answer", "decline")]).await.expect(200);
    assert_secret(&declined);
    has(&declined, "Die Karte wurde abgelehnt");
    let late = grace.post(&link, &[("answer", "accept")]).await.expect(409);
    has(&late, "Die Karte wurde abgelehnt");

    let second = gift.offer(0, "grace@example.com", &[&link]).await;
    for _ in 0..2 {
        let removal = format!("{}/transfer/removal", gift.path(0));
        let taken = gift.giver.post(&removal, &[]).await.expect(303);
        assert_eq!(taken.header("location"), format!("{}#transfer", gift.path(0)));
    }
    let late = grace.post(&second, &[("answer", "accept")]).await.expect(409);
    has(&late, "Dieses Angebot ist beendet");
    has(&grace.get(&second).await.expect(200), "Dieses Angebot ist beendet");
    assert_eq!(gift.check_in(&gift.tickets[0]["code"]).await, 200);
    gift.shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_of_the_form_stand_beside_it_and_wrong_links_are_explained() {
    let gift = Gift::new(json!({})).await;
    let path = gift.path(0);
    let form = format!("{path}/transfer");
    for (email, message) in [
        ("", "Enter the"),
        ("grace", "Enter a complete email address"),
        ("GIVER@example.com", "This is your own address."),
    ] {
        let refused = gift
            .giver
            .post(&form, &[("email", email), ("key", "a")])
            .await
            .expect(422);
        let html = refused.html();
        let error = html.all("p").find(|p| p.get("id") == Some("email-error"));
        let text = &error.unwrap().text;
        assert!(
            text.contains(message) || email.is_empty() && text.contains("Enter your"),
            "{text}"
        );
        assert_eq!(html.value_of("email"), email);
    }
    drop(gift.offer(0, "grace@example.com", &[]).await);
    // The page was open in another tab.
    let refused = gift
        .giver
        .post(&form, &[("email", "edsger@example.com"), ("key", "b")])
        .await
        .expect(409);
    has(&refused, "offered to somebody already");
    assert_eq!(gift.check_in(&gift.tickets[1]["code"]).await, 200);
    let used = gift
        .giver
        .post(
            &format!("{}/transfer", gift.path(1)),
            &[("email", "edsger@example.com"), ("key", "c")],
        )
        .await
        .expect(409);
    has(&used, "cannot be given away any more");
    let shown = gift.giver.get(&gift.path(1)).await.expect(200);
    assert!(!shown.body.contains("Offer the ticket"));

    // Others can neither give nor take back.
    let other = gift.shop.browser();
    other.sign_up("other@example.com").await;
    drop(
        other
            .post(&form, &[("email", "a@example.com"), ("key", "d")])
            .await
            .expect(404),
    );
    drop(other.post(&format!("{form}/removal"), &[]).await.expect(303));
    has(&gift.giver.get(&path).await.expect(200), "Take the offer back");
    let signed_out = gift
        .shop
        .browser()
        .post(&form, &[("email", "a@example.com")])
        .await
        .expect(303);
    assert!(signed_out.header("location").starts_with("/signin?next="));
    let back = gift.giver.get(&form).await.expect(303);
    assert_eq!(back.header("location"), format!("{path}#transfer"));

    let (long, unknown) = ("a".repeat(300), "A".repeat(32));
    for token in ["x", "a.b~c", "%C3%A4", "a%2Fb", long.as_str(), unknown.as_str()] {
        let link = format!("/transfers/{token}");
        for page in [
            other.get(&link).await.expect(404),
            other.post(&link, &[("answer", "accept")]).await.expect(404),
            other.post(&link, &[("answer", "decline")]).await.expect(404),
        ] {
            assert_secret(&page);
            has(&page, "This link leads nowhere");
        }
    }
    gift.shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_needs_a_second_factor_says_so_to_the_recipient() {
    let gift = Gift::new(json!({})).await;
    let link = gift.offer(0, "grace@example.com", &[]).await;
    let path = format!("/api/v1/tickets/{}", gift.listing);
    let mut listing =
        json!({"title": "The Lighthouse Keepers", "price": {"amount": 0, "currency": "eur"}, "quantity": 5});
    listing["startsAt"] = json!("2035-01-01T19:00:00Z");
    listing["requiresSecondFactor"] = json!(true);
    drop(gift.seller.put(&path, listing).await.expect(200));
    let grace = gift.shop.browser();
    grace.sign_up("grace@example.com").await;
    let refused = grace.post(&link, &[("answer", "accept")]).await.expect(403);
    assert_secret(&refused);
    assert!(refused.html().paths().contains(&"/account/second-factor".to_owned()));
    gift.shop.close().await;
}
