//! Tickets in the hand, and at the door.

use std::time::Duration;

use poem::http::StatusCode;
use serde_json::{Value, json};
use testkit::{Client, eventually};
use values::Clock;

use crate::{
    browser::{Browser, Setup},
    person::Person,
    purchases::concert,
    test_app::TestApp,
    user::PASSWORD,
};

pub(crate) async fn client_of(app: &TestApp, person: &Person) -> Client {
    let session = json!({"email": person.email, "password": PASSWORD});
    let session = app.client().post("/api/v1/auth/signin", session).await.expect(200);
    app.client().bearer(&session.text_at("/accessToken"))
}

/// Takes free tickets of a listing as it is now, and returns them.
pub(crate) async fn take(buyer: &Client, listing: &str, quantity: usize) -> Vec<Value> {
    let listed = buyer.get(&format!("/api/v1/tickets/{listing}")).await.expect(200);
    let order = json!({"ticketId": listing, "quantity": quantity, "ticketVersion": listed.json()["version"]});
    let order = eventually("the order service has the listing as it is now", || async {
        let reply = buyer.post("/api/v1/orders", order.clone()).await;
        (![StatusCode::NOT_FOUND, StatusCode::CONFLICT].contains(&reply.status)).then_some(reply)
    });
    let order = order.await.expect(201).text_at("/id");
    let payment = json!({"orderId": order});
    let _ = buyer
        .post_when_replicated("/api/v1/payments", payment)
        .await
        .expect(201);
    let path = format!("/api/v1/admissions?orderId={order}");
    eventually("the tickets are issued", || async {
        let items = buyer.get(&path).await.json()["items"].as_array().cloned()?;
        (items.len() == quantity).then_some(items)
    })
    .await
}

/// Undoes the latest check-in. The list with the button may be replaced at any time.
pub(crate) async fn undo_check_in(browser: &Browser) {
    eventually("the button that undoes is pressed", || async {
        browser
            .find_now("button[data-undo], [data-undo] button")
            .await?
            .click()
            .await
            .ok()
    })
    .await;
    browser.sees("Check-in undone").await;
}

/// A free event, and somebody with tickets for it.
pub(crate) struct FreeEvent {
    pub(crate) seller: Person,
    pub(crate) buyer: Person,
    /// The seller's client of the API.
    pub(crate) api: Client,
    pub(crate) listing: String,
    pub(crate) tickets: Vec<Value>,
}

impl FreeEvent {
    pub(crate) async fn with_tickets(app: &TestApp, quantity: usize) -> Self {
        let seller = Person::signed_up(app, "seller").await;
        let buyer = Person::signed_up(app, "buyer").await;
        let mut fields = concert();
        fields["price"] = json!({"amount": 0, "currency": "eur"});
        let api = client_of(app, &seller).await;
        let listing = api.post("/api/v1/tickets", fields).await.expect(201).text_at("/id");
        let tickets = take(&client_of(app, &buyer).await, &listing, quantity).await;
        Self {
            seller,
            buyer,
            api,
            listing,
            tickets,
        }
    }
}

/// Creates a door, and returns the path of its link.
pub(crate) async fn open_door(seller: &Client, listing: &str, name: &str) -> String {
    let door = json!({"name": name, "expiresAt": Clock::system().now() + Duration::from_hours(1)});
    let door = seller.post(&format!("/api/v1/tickets/{listing}/doors"), door).await;
    format!("/door#{listing}.{}", door.expect(201).text_at("/token"))
}

/// Enters a code, and waits for the answer.
pub(crate) async fn enter(browser: &Browser, code: &Value, answer: &str) {
    browser.fill("Code of the ticket", code.as_str().unwrap()).await;
    browser.press_button("Check in").await;
    browser.sees(answer).await;
}

/// Replaces the response to the next form by one of a gateway.
pub(crate) const LOSE_RESPONSE: &str = r#"
    const send = window.fetch;
    window.fetch = async (path, options) => {
        const response = await send(path, options);
        if (options.method !== "POST") return response;
        window.fetch = send;
        return new Response("", {status: 504});
    };
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_helper_with_the_link_of_a_door_admits_what_the_seller_sees_without_reloading() {
    let app = TestApp::shared();
    let FreeEvent {
        seller,
        buyer,
        listing,
        tickets,
        ..
    } = FreeEvent::with_tickets(&app, 2).await;

    buyer.browser.open("/tickets").await;
    buyer.browser.sees("Ticket 2 of 2").await;
    buyer.browser.inspect("tickets").await;
    let ticket = format!("/tickets/{}", tickets[0]["id"].as_str().unwrap());
    buyer.browser.open(&ticket).await;
    buyer.browser.sees(tickets[0]["code"].as_str().unwrap()).await;
    buyer.browser.inspect("ticket").await;

    seller.browser.open(&format!("/sell/{listing}/doors")).await;
    seller.browser.fill("Name, such as", "North gate").await;
    seller.browser.press("Create door").await;
    seller.browser.sees("North gate").await;
    seller.browser.inspect("doors").await;
    let link = seller.browser.field("Link for helpers").await;
    let link = link.prop("value").await.unwrap().unwrap();
    let fragment = link.split_once("/door#").unwrap().1;

    let helper = Person::new(&app, "helper", Setup::default()).await.browser;
    helper.open("/door").await;
    helper.sees("The link is incomplete.").await;
    helper.open(&format!("/door?from=mail#{fragment}")).await;
    helper.sees("The Lighthouse Keepers, live").await;
    // The token is not in the address any more, but still in the tab.
    let address = helper.client().current_url().await.unwrap();
    assert_eq!(address.fragment(), None, "{address}");
    helper.reload().await;
    helper.sees("Nobody has been admitted yet.").await;
    enter(&helper, &tickets[0]["code"], "Let this person in.").await;
    helper.sees("Undo").await;
    helper.inspect("door").await;
    // The API refuses, and the page says why.
    helper.expect_console("status of 409");
    helper.expect_console("status of 422");
    enter(&helper, &tickets[0]["qr"], "Already used").await;
    helper.sees("North gate").await;
    enter(&helper, &json!("hello"), "This is no code of a ticket").await;

    // The seller's page is not loaded anew: the value of this variable would be lost.
    let browser = &seller.browser;
    browser.open(&format!("/sell/{listing}/check-in")).await;
    browser.client().execute("window.isSame = true", vec![]).await.unwrap();
    browser.expect_console("status of 409");
    enter(browser, &tickets[0]["code"], "Already used").await;
    browser.inspect("check-in").await;
    // The service admits, and its response is lost on the way: the same code gets it, also if it is scanned then.
    browser.client().execute(LOSE_RESPONSE, vec![]).await.unwrap();
    enter(browser, &tickets[1]["code"], "No answer").await;
    enter(browser, &tickets[1]["qr"], "Let this person in.").await;
    undo_check_in(browser).await;
    let is_same = browser.client().execute("return window.isSame", vec![]).await.unwrap();
    assert_eq!(is_same, json!(true));

    // A door that is revoked is closed at once.
    browser.open(&format!("/sell/{listing}/doors")).await;
    // The button is shown by the summary of the same name.
    browser.press("Revoke North gate").await;
    browser.press_button("Revoke North gate").await;
    browser.sees("There is no door yet.").await;
    helper.expect_console("status of 401");
    helper.sees("This door is closed").await;
}
