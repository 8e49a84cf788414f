//! Every page that the journeys do not reach, in every look.

use chassis::{SiteSettings, site};
use fantoccini::Locator;
use serde_json::json;
use storefront::Storefront;
use testkit::eventually;
use totp_rs::{Builder, Secret};
use values::Clock;

use crate::{
    admissions::{client_of, take},
    browser::{Browser, Setup},
    person::{Person, START_PAYMENT},
    purchases::concert,
    test_app::TestApp,
    user::PASSWORD,
};

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_a_seller_are_accessible_in_every_look() {
    let app = TestApp::shared();
    let seller = Person::signed_up(&app, "seller").await;
    let browser = &seller.browser;
    browser.open("/sell/balance").await;
    browser.inspect("balance-empty").await;
    browser.expect_console("status of 4");
    browser.open("/sell/new").await;
    // Browsers accept these.
    browser.fill("Title", " ").await;
    browser.fill("Price of one ticket", "twenty").await;
    browser.fill("Number of tickets", "10").await;
    browser.press_button("Create the listing").await;
    browser.sees("Please check these entries").await;
    eventually("the summary of errors has the focus", || async {
        let focused = browser.client().active_element().await.ok()?;
        (focused.attr("role").await.ok()?.as_deref() == Some("alert")).then_some(())
    })
    .await;
    browser.inspect("sell-new-errors").await;
    let sales = seller.list_event().await;
    let listing = sales.strip_prefix("/sell/").unwrap();

    let buyer = app.user().await;
    let order = buyer.hold_tickets(listing, 2).await;
    buyer.buy(&order).await;
    let refund = json!({"quantity": 1, "reason": "I am ill."});
    let _ = buyer
        .client()
        .post_when_replicated(&format!("/api/v1/orders/{order}/refunds"), refund)
        .await
        .expect(201);
    browser.open("/sell").await;
    browser.inspect("sell").await;
    browser.open(&sales).await;
    browser.sees("I am ill.").await;
    browser
        .find(Locator::Css("#refunds summary"))
        .await
        .click()
        .await
        .unwrap();
    browser.inspect("sales-refund-requested").await;
    browser
        .find(Locator::Css("button[value=approve]"))
        .await
        .click()
        .await
        .unwrap();
    browser.sees("The refund is approved.").await;
    browser.sees("No refund request waits for your decision.").await;
    eventually("the balance has the sale", || async {
        browser.open("/sell/balance").await;
        browser.text().await.contains("39.98").then_some(())
    })
    .await;
    browser.inspect("balance").await;

    // Edited by a program meanwhile.
    browser.open(&format!("{sales}/edit")).await;
    browser.inspect("sell-edit").await;
    let (program, path) = (client_of(&app, &seller).await, format!("/api/v1/tickets/{listing}"));
    let shown = program.get(&path).await.expect(200).json();
    let mut offer = json!({"venue": "Fish Market, Hamburg"});
    for field in ["title", "price", "quantity", "startsAt", "timeZone"] {
        offer[field] = shown[field].clone();
    }
    let _ = program.put(&path, offer).await.expect(200);
    browser.fill("Venue", "Town Hall, Hamburg").await;
    browser.press_button("Save changes").await;
    browser.sees("The listing was changed elsewhere").await;
    browser.inspect("sell-edit-stale").await;

    browser.open(&format!("{sales}/image")).await;
    browser.inspect("sell-image").await;
    browser.press_button("Upload").await;
    browser.inspect("sell-image-errors").await;
    browser.open(&format!("{sales}/withdraw")).await;
    browser.inspect("sell-withdraw").await;
    browser.press_button("Withdraw for good").await;
    browser.sees("The listing is withdrawn.").await;
    browser.inspect("sales-withdrawn").await;
    browser.open("/sell").await;
    browser.press("Withdrawn").await;
    browser.inspect("sell-withdrawn").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_an_account_are_accessible_in_every_look() {
    let app = TestApp::shared();
    let person = Person::signed_up(&app, "person").await;
    let browser = &person.browser;
    browser.expect_console("status of 4");
    browser.open("/account").await;
    browser.sees("Not confirmed").await;
    browser.inspect("account").await;
    let confirm = person
        .link_in_mail(&app, "Confirm your email address", "/confirm/")
        .await;
    browser.open(&confirm).await;
    browser.inspect("confirm").await;
    browser.press_button("Confirm the address").await;
    browser.sees("Your address is confirmed").await;
    browser.inspect("confirmed").await;
    browser.open(&confirm).await;
    browser.press_button("Confirm the address").await;
    browser.sees("This link is not valid any more").await;
    browser.inspect("link-invalid").await;
    browser.open("/account").await;
    browser.fill("Name", "Ada Lovelace").await;
    browser.press_button("Save").await;
    browser.sees("Your details are saved.").await;
    browser.inspect("account-saved").await;

    for (path, name, button) in [
        ("/account/email", "account-email", "Send the mails"),
        ("/account/password", "account-password", "Change the password"),
        ("/account/second-factor", "second-factor", "Set up the second factor"),
        ("/confirm", "confirm-again", "Send the mail"),
        ("/forgot", "forgot", "Send the mail"),
    ] {
        browser.open(path).await;
        browser.inspect(name).await;
        browser.press_button(button).await;
        browser.sees("Please check these entries").await;
        browser.inspect(&format!("{name}-errors")).await;
    }
    browser.open("/account/sessions").await;
    browser.inspect("sessions").await;

    // A change of the address: a link in a mail to the present one.
    browser.open("/account/email").await;
    browser
        .fill("New email address", &format!("new-{}", person.email))
        .await;
    browser.fill("Your password now", PASSWORD).await;
    browser.press_button("Send the mails").await;
    browser.sees("We have sent a mail to your present address").await;
    let change = person
        .link_in_mail(&app, "Approve the change of your email address", "/change-email/")
        .await;
    browser.open(&change).await;
    browser.inspect("change-email").await;
    browser.press_button("Confirm the change").await;
    browser.sees("One more confirmation").await;
    browser.inspect("change-email-half").await;

    // The second factor, from set-up to removal.
    browser.open("/account/second-factor").await;
    browser.fill("Your password now", PASSWORD).await;
    browser.press_button("Set up the second factor").await;
    browser.sees("Or type this key into the authenticator").await;
    browser.inspect("enrolment").await;
    let secret = browser.find(Locator::Css(".secret code")).await.text().await.unwrap();
    let secret = Secret::try_from_base32(&secret.replace(' ', "")).unwrap();
    let authenticator = Builder::new().with_secret(secret).build().unwrap();
    let seconds = u64::try_from(Clock::system().now().seconds()).unwrap();
    browser.fill("Code", &authenticator.generate(seconds).to_string()).await;
    browser.press_button("Confirm").await;
    browser.sees("Your recovery codes").await;
    browser.inspect("recovery-codes").await;
    let codes = browser.find(Locator::Css(".codes code")).await.text().await.unwrap();
    browser.press("I have stored them").await;
    browser.sees("recovery codes left").await;
    browser.inspect("second-factor-on").await;
    browser.open("/account/second-factor/recovery-codes").await;
    browser.inspect("recovery-codes-renew").await;
    browser.open("/account/second-factor/removal").await;
    browser.inspect("second-factor-removal").await;
    person.sign_out().await;
    browser.open("/signin").await;
    browser.fill("Email address", &person.email).await;
    browser.fill("Password", PASSWORD).await;
    browser.press_button("Sign in").await;
    browser.sees("Enter your code").await;
    browser.inspect("sign-in-code").await;
    browser.press("Use a recovery code instead").await;
    browser.inspect("sign-in-recovery-code").await;
    browser.fill("Recovery code", &codes).await;
    browser.press_button("Sign in").await;
    browser.sees("My tickets").await;

    // A forgotten password.
    person.sign_out().await;
    browser.open("/forgot").await;
    browser.fill("Email address", &person.email).await;
    browser.press_button("Send the mail").await;
    browser.sees("Check your mail").await;
    browser.inspect("mail-sent").await;
    let reset = person.link_in_mail(&app, "Set a new password", "/reset/").await;
    browser.open(&reset).await;
    browser.inspect("reset").await;
    browser.press_button("Set the password").await;
    browser.sees("Please check these entries").await;
    browser.inspect("reset-errors").await;
    browser.fill("New password", &format!("{PASSWORD}, a new one")).await;
    browser.press_button("Set the password").await;
    browser.sees("Your password is changed").await;
    browser.inspect("reset-done").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_a_buyer_are_accessible_in_every_look() {
    let app = TestApp::shared();
    let seller = app.user().await;
    let buyer = Person::signed_up(&app, "buyer").await;
    let browser = &buyer.browser;
    browser.open("/tickets").await;
    browser.sees("You have no tickets yet.").await;
    browser.inspect("tickets-empty").await;
    // Listed early, so that it is replicated when it is ordered.
    let mut free = concert();
    free["price"] = json!({"amount": 0, "currency": "eur"});
    let free = seller.list_ticket(free).await;
    for (name, fields, text) in [
        (
            "event-not-yet",
            json!({"salesBegin": "2030-01-01T00:00:00Z"}),
            "The sale begins on",
        ),
        (
            "event-second-factor",
            json!({"requiresSecondFactor": true}),
            "a second factor",
        ),
    ] {
        let mut listing = concert();
        listing
            .as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        let listing = seller.list_ticket(listing).await;
        browser.open(&format!("/events/{listing}")).await;
        browser.sees(text).await;
        browser.inspect(name).await;
        if name == "event-second-factor" {
            browser.expect_console("status of 403");
            buyer.order_at_once(1).await;
            browser
                .sees("This seller wants you to sign in with a second factor")
                .await;
            browser.inspect("order-refused-second-factor").await;
        }
    }
    buyer.order(&free, 1).await;
    eventually("the tickets are taken", || async {
        let text = browser.text().await;
        if let Some(button) = browser.find_now(START_PAYMENT).await {
            button.click().await.ok()?;
        }
        text.contains("The tickets are yours").then_some(())
    })
    .await;
    // Refunded: void.
    let client = client_of(&app, &buyer).await;
    let tickets = take(
        &client,
        &seller
            .list_ticket(json!({"price": {"amount": 0, "currency": "eur"}}))
            .await,
        1,
    )
    .await;
    let listing = tickets[0]["ticketId"].as_str().unwrap();
    let _ = seller.withdraw_ticket(listing).await.expect(204);
    let id = tickets[0]["id"].as_str().unwrap();
    // Not by opening its page: if the ticket became void between the page and its QR code, the code would be missing.
    eventually("the ticket is void", || async {
        let admission = client.get(&format!("/api/v1/admissions/{id}")).await.expect(200).json();
        (admission["state"] == "void").then_some(())
    })
    .await;
    browser.open(&format!("/tickets/{id}")).await;
    assert_eq!(browser.count(".pass__code").await, 0);
    browser.inspect("ticket-void").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_errors_are_accessible_in_every_look() {
    let app = TestApp::shared();
    let browser = Browser::start("visitor", &app.url(), Setup::default()).await;
    browser.expect_console("status of 4");
    browser.expect_console("status of 5");
    // A form of another site.
    let form = format!(
        "data:text/html,<form method=post action={}/signout><button>Send</button></form>",
        app.url()
    );
    browser.open_elsewhere(&form).await;
    browser.press_button("Send").await;
    browser.sees("This is not allowed").await;
    browser.inspect("forbidden").await;
    browser.open("/events/01936f5e-8c1a-7c3e-9d2b-4f6a8b0c2d4e").await;
    browser.sees("Page not found").await;
    browser.inspect("event-not-found").await;
    browser.open("/door").await;
    browser.sees("The link is incomplete.").await;
    browser.inspect("door-without-link").await;
    browser.open("/confirm/nothing").await;
    browser.inspect("confirm-malformed").await;

    // A storefront whose services do not respond.
    let nowhere = "http://127.0.0.1:1".parse::<url::Url>().unwrap();
    let mut settings = SiteSettings::default();
    settings.http.listen = Some("127.0.0.1:0".parse().unwrap());
    let own = storefront::Settings {
        auth_url: Some(nowhere.clone()),
        ticket_url: Some(nowhere.clone()),
        order_url: Some(nowhere.clone()),
        payment_url: Some(nowhere),
        ..storefront::Settings::default()
    };
    let site = site::start::<Storefront>(settings, own, Clock::system()).await.unwrap();
    browser.open_elsewhere(&format!("http://{}/", site.addr)).await;
    browser.sees("We cannot do this at the moment").await;
    browser.inspect("unavailable").await;
    drop(browser);
    site.stop().await;
}
