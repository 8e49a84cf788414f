//! A ticket that is given to somebody else, from the giver's page to the door.

use std::{fs, path::Path};

use fantoccini::Locator;
use serde_json::json;
use testkit::eventually;

use crate::{
    admissions::{client_of, take},
    browser::Setup,
    look::Device,
    person::Person,
    purchases::concert,
    test_app::TestApp,
};

/// Waits for the mail to an address that links to a page below `/transfers/`, and returns the path of the page.
async fn link_in_mail(mails: &Path, email: &str, url: &str) -> String {
    let start = format!("{url}/transfers/");
    eventually(&format!("the offer is mailed to {email}"), || async {
        let files = fs::read_dir(mails).ok()?.filter_map(Result::ok);
        let mut mails = files.filter_map(|file| fs::read_to_string(file.path()).ok());
        let mail = mails.find(|mail| mail.contains(&format!("To: {email}\r\n")) && mail.contains("transfers"))?;
        // Quoted-printable (RFC 2045): lines are broken.
        let mail = mail.replace("=\r\n", "");
        let (_, rest) = mail.split_once(&start)?;
        let is_token = |letter: &char| letter.is_ascii_alphanumeric() || "-_".contains(*letter);
        let token: String = rest.chars().take_while(is_token).collect();
        Some(format!("/transfers/{token}"))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_given_by_a_mailed_link_and_only_the_code_of_its_new_holder_admits() {
    let mails = tempfile::tempdir().unwrap();
    let app = TestApp::with(|settings| settings.notification.mail_folder = Some(mails.path().to_owned()));
    let (seller, giver) = (
        Person::signed_up(&app, "seller").await,
        Person::signed_up(&app, "giver").await,
    );
    let phone = Setup {
        device: Device::Phone,
        ..Setup::default()
    };
    let recipient = Person::new(&app, "recipient", phone).await;
    let mut fields = concert();
    fields["price"] = json!({"amount": 0, "currency": "eur"});
    let listing = client_of(&app, &seller).await;
    let listing = listing.post("/api/v1/tickets", fields).await.expect(201).text_at("/id");
    let tickets = take(&client_of(&app, &giver).await, &listing, 1).await;
    let ticket = format!("/tickets/{}", tickets[0]["id"].as_str().unwrap());
    let old_qr = tickets[0]["qr"].as_str().unwrap();

    giver.browser.open(&ticket).await;
    giver.browser.expect_console("status of 422");
    giver.browser.fill("Their email address", &giver.email).await;
    giver.browser.press_button("Offer the ticket").await;
    giver.browser.sees("This is your own address.").await;
    giver.browser.inspect("ticket-give-errors").await;
    giver.browser.fill("Their email address", &recipient.email).await;
    giver.browser.press_button("Offer the ticket").await;
    giver.browser.sees("Take the offer back").await;
    giver.browser.inspect("ticket-offered").await;
    giver.browser.open("/tickets").await;
    giver.browser.sees("Offered").await;

    let link = link_in_mail(mails.path(), &recipient.email, &app.url()).await;
    let browser = &recipient.browser;
    browser.open(&link).await;
    browser.sees("The Lighthouse Keepers, live").await;
    browser.inspect("transfer-signed-out").await;
    browser.press("Create an account").await;
    recipient.sign_up().await;
    browser.arrives_at(&link).await;
    browser.sees("Accept the ticket").await;
    browser.inspect("transfer").await;
    browser.press_button("Accept the ticket").await;
    browser.arrives_at(&ticket).await;
    browser.sees("Show this code at the door.").await;
    browser.inspect("ticket-received").await;
    let new_code = browser.find(Locator::Css(".pass__code code")).await;
    let new_code = new_code.text().await.unwrap();
    browser.open(&link).await;
    browser.sees("This ticket was accepted").await;
    browser.inspect("transfer-accepted").await;

    giver.browser.open(&ticket).await;
    giver.browser.sees("This ticket belongs to somebody else now.").await;
    assert_eq!(giver.browser.count(".pass__qr").await, 0);
    giver.browser.inspect("ticket-given-away").await;

    // The giver still has the old picture; the door refuses it.
    let door = &seller.browser;
    door.open(&format!("/sell/{listing}/check-in")).await;
    door.expect_console("status of 409");
    for (code, answer) in [(old_qr, "Given to somebody else"), (&new_code, "Let this person in.")] {
        door.fill("Code of the ticket", code).await;
        door.press_button("Check in").await;
        door.sees(answer).await;
    }
}
