//! What a person does with the own data: downloads it, and deletes the account.

use testkit::eventually;

use crate::{
    browser::{Browser, Setup},
    person::Person,
    test_app::TestApp,
    user::PASSWORD,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_person_finds_the_file_with_the_own_data() {
    let app = TestApp::shared();
    let person = Person::new(&app, "ada", Setup::default()).await;
    let browser = &person.browser;
    browser.open("/account/data").await;
    browser.arrives_at("/signin").await;
    browser.press("Create an account").await;
    person.sign_up().await;
    browser.arrives_at("/account/data").await;
    browser.sees("Download the file").await;
    browser.inspect("account-data").await;
    browser.press("Back to your account").await;
    browser.arrives_at("/account").await;
    browser.sees("Your data").await;
    browser.press("Download").await;
    browser.arrives_at("/account/data").await;
}

/// Where a person looks whether the account is deleted.
const REQUESTED: &str = "/account/deletion?requested=1";

/// Looks until the services have decided, and returns the text of the page, which has one of these.
async fn answer_of_deletion(browser: &Browser, answers: &[&str]) -> String {
    eventually("the request is answered", || async {
        let text = browser.text().await;
        if answers.iter().any(|answer| text.contains(answer)) {
            return Some(text);
        }
        // The page waits two seconds for the services, and does not change after that.
        browser.open(REQUESTED).await;
        None
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_deletes_the_account_once_nothing_is_open() {
    let app = TestApp::shared();
    let seller = Person::signed_up(&app, "seller").await;
    let browser = &seller.browser;
    browser.expect_console("status of 4");
    let sales = seller.list_event().await;
    browser.open("/account").await;
    browser.press("Delete").await;
    browser.arrives_at("/account/deletion").await;
    browser.inspect("account-deletion").await;
    browser.press_button("Delete my account").await;
    browser.sees("Please check these entries").await;
    browser.inspect("account-deletion-errors").await;
    browser.fill("Your password now", PASSWORD).await;
    browser.press_button("Delete my account").await;
    browser.arrives_at(REQUESTED).await;
    answer_of_deletion(browser, &["Tickets of yours are on sale"]).await;
    browser.inspect("account-deletion-refused").await;
    browser.press("Your events").await;
    browser.arrives_at("/sell").await;
    // Until the ticket service has received that the account is active again, it withdraws nothing.
    let (withdrawn, again) = ("The listing is withdrawn.", "try once more in a moment");
    eventually("the listing is withdrawn", || async {
        browser.open(&format!("{sales}/withdraw")).await;
        browser.press_button("Withdraw for good").await;
        let answer = eventually("the withdrawal is answered", || async {
            let text = browser.text().await;
            (text.contains(withdrawn) || text.contains(again)).then_some(text)
        });
        answer.await.contains(withdrawn).then_some(())
    })
    .await;
    // Nor does the order service agree before it has received the withdrawal.
    let (deleted, refused) = ("Your account is deleted", "Your account was not deleted");
    eventually("the account is deleted", || async {
        browser.open("/account/deletion").await;
        browser.fill("Your password now", PASSWORD).await;
        browser.press_button("Delete my account").await;
        browser.arrives_at(REQUESTED).await;
        let answer = answer_of_deletion(browser, &[deleted, refused]).await;
        answer.contains(deleted).then_some(())
    })
    .await;
    browser.inspect("account-deleted").await;
    browser.open("/account").await;
    browser.arrives_at("/signin").await;
    browser.fill("Email address", &seller.email).await;
    browser.fill("Password", PASSWORD).await;
    browser.press_button("Sign in").await;
    browser.sees("The address or the password is wrong.").await;
}
