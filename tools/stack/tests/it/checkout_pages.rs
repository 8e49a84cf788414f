//! The pages from the order to the refund, as a browser without scripts requests them.

use reqwest::Method;
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use crate::{Client, Reply, eventually, test_app::TestApp, user::User};

/// A person with a browser.
struct Person {
    user: User,
    browser: Client,
}

impl Person {
    async fn new(app: &TestApp) -> Self {
        let user = app.user().await;
        let browser = app
            .client()
            .with("cookie", format!("ticketing_session={}", user.token))
            .with("content-type", "application/x-www-form-urlencoded")
            .with("sec-fetch-site", "same-origin");
        Self { user, browser }
    }

    async fn open(&self, path: &str) -> Reply {
        self.browser.get(path).await
    }

    /// Sends a form, and follows the redirect.
    async fn send(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        send(&self.browser, path, fields).await
    }

    /// Orders one ticket from the page of the listing.
    async fn order(&self, ticket: &str, key: &str) -> Reply {
        eventually("the listing is replicated", || async {
            let page = self.send("/orders", &order_form(ticket, "1", key, "1999")).await;
            (page.status != 404).then_some(page)
        })
        .await
    }

    /// Waits until the page's script would show another step.
    async fn wait_for_step(&self, order: &str, step: &str) {
        eventually(&format!("{order} is {step}"), || async {
            let state = self.open(&format!("{order}/state")).await.expect(200);
            state.text_at("/revision").starts_with(step).then_some(())
        })
        .await;
    }
}

async fn send(browser: &Client, path: &str, fields: &[(&str, &str)]) -> Reply {
    let form = Serializer::new(String::new()).extend_pairs(fields).finish();
    browser.send(Method::POST, path, Some(form)).await
}

fn order_form<'a>(ticket: &'a str, quantity: &'a str, key: &'a str, price: &'a str) -> [(&'a str, &'a str); 5] {
    [
        ("ticket", ticket),
        ("quantity", quantity),
        ("key", key),
        ("price", price),
        ("currency", "usd"),
    ]
}

/// Returns the value of an attribute of a page.
#[track_caller]
fn attribute(page: &Reply, name: &str) -> String {
    let begin = format!("{name}=\"");
    let (_, rest) = page
        .text
        .split_once(&begin)
        .unwrap_or_else(|| panic!("no {name} in {}", page.text));
    rest.split('"').next().unwrap_or_default().replace("&amp;", "&")
}

#[track_caller]
fn assert_shows(page: &Reply, heading: &str) {
    assert!(
        page.text.contains(&format!("<h1>{heading}</h1>")),
        "not {heading}: {}",
        page.text
    );
}

/// Confirms the payment of a page as the card form does.
async fn enter_card(app: &TestApp, page: &Reply, method: &str) -> Reply {
    let (key, secret) = (attribute(page, "data-key"), attribute(page, "data-secret"));
    let intent = secret.split("_secret_").next().unwrap_or_default();
    let stripe = Client::new(app.stripe_url()).with("content-type", "application/x-www-form-urlencoded");
    let fields = [
        ("key", key.as_str()),
        ("client_secret", secret.as_str()),
        ("payment_method", method),
        ("return_url", "https://shop.example/"),
    ];
    send(&stripe, &format!("/v1/payment_intents/{intent}/confirm"), &fields).await
}

#[tokio::test]
async fn a_form_that_is_sent_twice_orders_once_and_each_step_shows_the_truth() {
    let app = TestApp::shared();
    let (seller, buyer) = (app.user().await, Person::new(&app).await);
    let ticket = seller.list_ticket(json!({"quantity": 5})).await;
    let page = buyer.order(&ticket, "form-1").await.expect(200);
    assert_shows(&page, "Pay by card");
    let order = attribute(&page, "data-path");
    let again = buyer.order(&ticket, "form-1").await.expect(200);
    assert_eq!(attribute(&again, "data-path"), order);
    seller.wait_for_stock(&ticket, 1, 0).await;

    // The card form, and a policy that allows its script alone.
    let script = format!("{}/v3/", app.stripe_url());
    assert_eq!(attribute(&page, "data-script"), script);
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains(&format!("script-src 'self' {};", app.stripe_url())),
        "{policy}"
    );
    assert_eq!(page.headers["cache-control"], "no-store");
    assert!(page.text.contains("Paying by card needs JavaScript"));

    let _ = enter_card(&app, &page, "pm_card_chargeDeclinedInsufficientFunds")
        .await
        .expect(402);
    let declined = eventually("the reason is shown", || async {
        let page = buyer.open(&order).await.expect(200);
        page.text.contains("The card has insufficient funds").then_some(page)
    })
    .await;
    assert_shows(&declined, "Pay by card");
    let _ = enter_card(&app, &declined, "pm_card_visa").await.expect(200);
    buyer.wait_for_step(&order, "complete").await;
    let complete = buyer.open(&order).await.expect(200);
    assert_shows(&complete, "The tickets are yours");
    assert!(!complete.text.contains("data-secret"), "the secret is of no more use");
    // What was sent before shows the order as it is now.
    for path in [format!("{order}/payment"), format!("{order}/cancel")] {
        assert_shows(&buyer.open(&path).await.expect(200), "The tickets are yours");
        assert_shows(
            &buyer.send(&path, &[("key", "late")]).await.expect(200),
            "The tickets are yours",
        );
    }
    let list = buyer.open("/orders").await.expect(200);
    for text in [order.as_str(), "Complete", " UTC</time>"] {
        assert!(list.text.contains(text), "{text}: {}", list.text);
    }
}

#[tokio::test]
async fn an_order_that_was_cancelled_says_that_nothing_was_charged_and_offers_another() {
    let app = TestApp::shared();
    let (seller, buyer) = (app.user().await, Person::new(&app).await);
    let ticket = seller.list_ticket(json!({"quantity": 5})).await;
    let page = buyer.order(&ticket, "form-1").await.expect(200);
    let order = attribute(&page, "data-path");
    let cancelled = buyer.send(&format!("{order}/cancel"), &[]).await.expect(200);
    assert_shows(&cancelled, "You cancelled this order");
    buyer.wait_for_step(&order, "ended-released").await;
    let ended = buyer.open(&order).await.expect(200);
    assert!(ended.text.contains("You were not charged."), "{}", ended.text);
    assert!(
        ended.text.contains(&format!("href=\"/events/{ticket}\"")),
        "{}",
        ended.text
    );
    let late = enter_card(&app, &page, "pm_card_visa").await;
    assert_eq!(late.status.as_u16(), 400, "{}", late.text);
}

#[tokio::test]
async fn a_browser_that_returns_from_its_bank_waits_for_the_result_without_the_secret_in_its_address() {
    let app = TestApp::shared();
    let (seller, buyer) = (app.user().await, Person::new(&app).await);
    let ticket = seller.list_ticket(json!({})).await;
    let page = buyer.order(&ticket, "form-1").await.expect(200);
    let order = attribute(&page, "data-path");
    let secret = attribute(&page, "data-secret");
    let query =
        |status| format!("{order}?payment_intent=pi_1&payment_intent_client_secret={secret}&redirect_status={status}");
    let returned = buyer.open(&query("succeeded")).await.expect(200);
    assert_shows(&returned, "We are completing your order");
    assert_eq!(attribute(&returned, "data-state"), format!("{order}/state?returned=1"));
    assert!(!returned.text.contains(&secret), "{}", returned.text);
    // The browser is not believed: without the hint the card is asked for.
    assert_shows(&buyer.open(&query("failed")).await.expect(200), "Pay by card");
}

#[tokio::test]
async fn free_tickets_are_taken_without_a_card_and_without_scripts() {
    let app = TestApp::shared();
    let (seller, buyer) = (app.user().await, Person::new(&app).await);
    let ticket = seller
        .list_ticket(json!({"price": {"amount": 0, "currency": "usd"}}))
        .await;
    let page = eventually("the listing is replicated", || async {
        let page = buyer.send("/orders", &order_form(&ticket, "1", "form-1", "0")).await;
        (page.status != 404).then_some(page)
    })
    .await;
    let order = attribute(&page.expect(200), "data-path");
    buyer.wait_for_step(&order, "complete").await;
    let complete = buyer.open(&order).await.expect(200);
    assert!(
        complete.text.contains("Free") && !complete.text.contains("data-card"),
        "{}",
        complete.text
    );
    let refunds = format!("/api/v1{order}/refunds");
    let _ = seller.client().post(&refunds, json!({})).await.expect(201);
    buyer.wait_for_step(&order, "refunded").await;
    let refunded = buyer.open(&order).await.expect(200);
    for text in ["One ticket, Free", "Given back."] {
        assert!(refunded.text.contains(text), "{text}: {}", refunded.text);
    }
    for money in ["$0.00", "to the card", "to your card"] {
        assert!(!refunded.text.contains(money), "{money}: {}", refunded.text);
    }
}

#[tokio::test]
async fn an_order_that_is_refused_says_why() {
    let app = TestApp::shared();
    let (seller, buyer) = (Person::new(&app).await, Person::new(&app).await);
    let ticket = seller.user.list_ticket(json!({"quantity": 2})).await;
    let own = seller.order(&ticket, "form-1").await.expect(403);
    assert_shows(&own, "This is your own event");
    for (quantity, price, status, heading) in [
        ("3", "1999", 409, "These tickets are gone"),
        ("1", "1500", 409, "The price has changed"),
        ("0", "1999", 422, "Choose how many tickets you want"),
        ("-1", "1999", 422, "Choose how many tickets you want"),
        ("4294967296", "1999", 422, "Choose how many tickets you want"),
        ("1000000000", "1999", 422, "Choose how many tickets you want"),
    ] {
        let page = buyer
            .send("/orders", &order_form(&ticket, quantity, "form-1", price))
            .await;
        assert_shows(&page.expect(status), heading);
    }
    let german = Client::clone(&buyer.browser).with("accept-language", "de");
    let page = send(&german, "/orders", &order_form(&ticket, "1", "form-2", "1500")).await;
    assert!(page.text.contains("Eine Karte kostet jetzt 19,99"), "{}", page.text);
    // Without a price that was seen nothing is ordered.
    let unpriced = buyer
        .send("/orders", &[("ticket", &ticket), ("quantity", "1"), ("key", "form-3")])
        .await;
    assert_eq!(unpriced.status.as_u16(), 400);
    seller.user.wait_for_stock(&ticket, 0, 0).await;
}

#[tokio::test]
async fn a_buyer_reads_for_how_long_orders_are_refused_after_cancelled_ones() {
    let app = TestApp::shared();
    let (seller, buyer) = (app.user().await, Person::new(&app).await);
    let ticket = seller.list_ticket(json!({"quantity": 5, "maxPerBuyer": 1})).await;
    for key in ["form-1", "form-2"] {
        let order = attribute(&buyer.order(&ticket, key).await.expect(200), "data-path");
        let page = buyer.open(&order).await.expect(200);
        let warning = "After several cancelled or unpaid orders you have to wait";
        assert!(page.text.contains(warning), "{}", page.text);
        let too_many = buyer.send("/orders", &order_form(&ticket, "1", "form-0", "1999")).await;
        assert_shows(&too_many, "You cannot have that many tickets");
        assert!(too_many.text.contains("See your orders"), "{}", too_many.text);
        let _ = buyer.send(&format!("{order}/cancel"), &[]).await.expect(200);
    }
    let refused = buyer.send("/orders", &order_form(&ticket, "1", "form-3", "1999")).await;
    assert_shows(&refused, "Please wait before you order again");
    let in_an_hour = "you can order again in 60 minutes.";
    assert!(refused.text.contains(in_an_hour), "{}", refused.text);
}

#[tokio::test]
async fn an_order_is_shown_to_its_buyer_alone() {
    let app = TestApp::shared();
    let (seller, buyer, other) = (app.user().await, Person::new(&app).await, Person::new(&app).await);
    let ticket = seller.list_ticket(json!({})).await;
    let order = attribute(&buyer.order(&ticket, "form-1").await.expect(200), "data-path");
    for path in [order.clone(), format!("{order}/state")] {
        let _ = other.open(&path).await.expect(404);
    }
    for path in [
        format!("{order}/payment"),
        format!("{order}/cancel"),
        format!("{order}/refunds"),
    ] {
        let _ = other.send(&path, &[("key", "k"), ("quantity", "1")]).await.expect(404);
        // A page of another site sends the cookie of the buyer.
        let elsewhere = app
            .client()
            .with("cookie", format!("ticketing_session={}", buyer.user.token))
            .with("content-type", "application/x-www-form-urlencoded")
            .with("sec-fetch-site", "cross-site");
        let _ = send(&elsewhere, &path, &[("key", "k"), ("quantity", "1")])
            .await
            .expect(403);
    }
    let stranger = app.client().get(&order).await.expect(200);
    assert!(stranger.text.contains("action=\"/signin\""), "{}", stranger.text);
    buyer
        .user
        .wait_for_status(order.trim_start_matches("/orders/"), "created")
        .await;
}

#[tokio::test]
async fn a_refund_is_requested_once_and_its_state_is_shown() {
    let app = TestApp::shared();
    let (seller, buyer) = (app.user().await, Person::new(&app).await);
    let ticket = seller.list_ticket(json!({"quantity": 3})).await;
    let id = buyer.user.hold_tickets(&ticket, 2).await;
    buyer.user.buy(&id).await;
    let order = format!("/orders/{id}");
    let page = buyer.open(&order).await.expect(200);
    for text in [
        "The seller decides about your request. For each refunded ticket, $19.99 goes back to your card",
        "value=\"1\" required",
        "<button class=\"button\" type=\"submit\">Ask for a refund</button>",
    ] {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
    assert!(!page.text.contains("<details open>"), "{}", page.text);
    let path = format!("{order}/refunds");
    let form = [("key", "r0"), ("quantity", "3"), ("reason", "My friend is <ill>.")];
    let too_many = buyer.send(&path, &form).await.expect(422);
    // The form is shown with what was entered.
    for text in [
        "Choose how many tickets to give back.",
        "<details open>",
        "value=\"3\" required",
        "My friend is ",
    ] {
        assert!(too_many.text.contains(text), "{text}: {}", too_many.text);
    }
    let long = "x".repeat(501);
    let too_long = buyer
        .send(&path, &[("key", "r0"), ("quantity", "1"), ("reason", &long)])
        .await;
    assert!(too_long.expect(422).text.contains("The reason is too long."));
    for _ in 0..2 {
        let form = [("key", "r1"), ("quantity", "1"), ("reason", "My friend is <ill>.")];
        let asked = buyer.send(&path, &form).await.expect(200);
        assert!(
            asked.text.contains("Until then your tickets stay valid."),
            "{}",
            asked.text
        );
        assert!(
            asked.text.contains("(1 to 1)"),
            "one ticket is left to give back: {}",
            asked.text
        );
    }
    let refunds = buyer
        .user
        .client()
        .get(&format!("/api/v1{path}"))
        .await
        .expect(200)
        .json();
    let refunds = refunds["items"].as_array().unwrap().iter();
    assert_eq!(
        refunds.map(|refund| &refund["quantity"]).collect::<Vec<&Value>>(),
        [&json!(1)]
    );
}

#[tokio::test]
async fn a_refund_that_no_seller_decides_is_final_and_its_button_states_that() {
    let app = TestApp::shared();
    let (seller, buyer) = (app.user().await, Person::new(&app).await);
    for (amount, button) in [(1999, "Give back now and get the money"), (0, "Give back now")] {
        let listed = |fields: Value| {
            let mut all = json!({"quantity": 3, "price": {"amount": amount, "currency": "usd"}});
            all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            all
        };
        let ticket = seller.list_ticket(listed(json!({}))).await;
        let id = buyer.user.hold_tickets(&ticket, 1).await;
        if amount > 0 {
            buyer.user.buy(&id).await;
        } else {
            let _ = buyer.user.pay_with(json!({"orderId": id})).await.expect(201);
            buyer.user.wait_for_status(&id, "complete").await;
        }
        let order = format!("/orders/{id}");
        let asked = buyer.open(&order).await.expect(200);
        assert!(asked.text.contains("Ask for a refund"), "{}", asked.text);
        // The date of the listing counts, if it is later than that of the order.
        let later = listed(json!({"refundableUntil": "2035-06-15T00:00:00Z"}));
        let _ = seller.update_ticket(&ticket, later).await.expect(200);
        let page = buyer.open(&order).await.expect(200);
        for text in [
            "Until Fri, 15 June 2035, 00:00 UTC a refund is approved at once",
            "This can include tickets that you gave away.",
            &format!("<button class=\"button button--danger\" type=\"submit\">{button}</button>"),
        ] {
            assert!(page.text.contains(text), "{text}: {}", page.text);
        }
        assert_eq!(
            page.text.contains("goes back to your card"),
            amount > 0,
            "{}",
            page.text
        );
    }
}
