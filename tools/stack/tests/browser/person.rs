//! What people do on the pages, by what they read there.

use fantoccini::{Locator, key::Key};
use testkit::eventually;

use crate::{
    browser::{Browser, Setup, quote},
    test_app::TestApp,
    user::{PASSWORD, new_email},
};

/// Cards of Stripe's test mode (<https://docs.stripe.com/testing>).
pub(crate) const APPROVED: &str = "4242424242424242";
pub(crate) const WITHOUT_FUNDS: &str = "4000000000009995";
pub(crate) const AUTHENTICATED: &str = "4000002760003184";

/// The button on the page of an order that starts its payment.
pub(crate) const START_PAYMENT: &str = "form[action$='/payment'] button";

/// A person with a browser.
pub(crate) struct Person {
    pub(crate) browser: Browser,
    pub(crate) email: String,
}

impl Person {
    /// Returns a person without an account.
    pub(crate) async fn new(app: &TestApp, name: &str, setup: Setup) -> Self {
        Self {
            browser: Browser::start(name, &app.url(), setup).await,
            email: new_email(),
        }
    }

    /// Returns a person who has signed up.
    pub(crate) async fn signed_up(app: &TestApp, name: &str) -> Self {
        Self::signed_up_with(app, name, Setup::default()).await
    }

    pub(crate) async fn signed_up_with(app: &TestApp, name: &str, setup: Setup) -> Self {
        let person = Self::new(app, name, setup).await;
        person.browser.open("/signup").await;
        person.sign_up().await;
        person
    }

    /// Fills in the page that creates an account.
    pub(crate) async fn sign_up(&self) {
        self.browser.arrives_at("/signup").await;
        self.fill_account().await;
        self.browser.press("Create account").await;
        self.browser.sees("My tickets").await;
    }

    /// Fills in the page of signing in, in English.
    pub(crate) async fn sign_in(&self) {
        self.fill_account().await;
        self.browser.press_button("Sign in").await;
        self.browser.sees("My tickets").await;
    }

    /// Signs out, and waits until it is done: a page that is opened before would end the request.
    pub(crate) async fn sign_out(&self) {
        self.browser.press("Sign out").await;
        self.browser.sees("Sign in").await;
    }

    async fn fill_account(&self) {
        self.browser.fill("Email address", &self.email).await;
        self.browser.fill("Password", PASSWORD).await;
    }

    /// Orders tickets on the page of an event, and arrives at the page of the order. Returns its path.
    pub(crate) async fn order(&self, listing: &str, quantity: u32) -> String {
        self.browser.open(&format!("/events/{listing}")).await;
        self.order_at_once(quantity).await;
        self.browser.arrives_at("/orders/").await;
        self.browser.path().await
    }

    /// Orders tickets on the page of an event as it was loaded.
    pub(crate) async fn order_at_once(&self, quantity: u32) {
        self.browser.choose("Tickets", &quantity.to_string()).await;
        self.browser.press_button("Buy").await;
    }

    /// Enters a card into the form of the payment provider.
    pub(crate) async fn enter_card(&self, number: &str) {
        self.browser.enter_frame("#payment-element iframe").await;
        for (label, value) in [
            ("Card number", number),
            ("Expiration date", "1234"),
            ("Security code", "123"),
        ] {
            self.browser.fill(label, value).await;
        }
        self.browser.leave_frame().await;
    }

    /// Starts the payment of the order on the page, enters a card and sends it.
    pub(crate) async fn pay_with(&self, number: &str) {
        self.start_payment().await;
        self.enter_card(number).await;
        self.send_card().await;
    }

    /// Gets from the page of a new order to the card form.
    pub(crate) async fn start_payment(&self) {
        eventually("the order can be paid", || async {
            // The page may be replaced at any time.
            if let Some(button) = self.browser.find_now(START_PAYMENT).await {
                button.click().await.ok()?;
            }
            (self.browser.count("#payment-element iframe").await > 0).then_some(())
        })
        .await;
    }

    /// Presses the button that names the amount.
    pub(crate) async fn send_card(&self) {
        // The height of the card's frame may change, so that the click would hit something else.
        eventually("the card is sent", || async {
            let button = self.browser.find_now("[data-card] button[type=submit]").await?;
            button.click().await.ok()
        })
        .await;
    }

    /// Answers the question of the bank in its dialog.
    pub(crate) async fn answer_bank(&self, answer: &str) {
        self.browser.enter_frame("dialog iframe").await;
        self.browser.press(answer).await;
        self.browser.leave_frame().await;
    }

    /// Presses keys, one after another, where the focus is.
    pub(crate) async fn press_keys(&self, keys: &[Key]) {
        for key in keys {
            let focused = self.browser.client().active_element().await.unwrap();
            focused.send_keys(&char::from(*key).to_string()).await.unwrap();
        }
    }

    /// Opens the newest mail to this person whose subject begins with this text.
    pub(crate) async fn open_mail(&self, app: &TestApp, subject: &str) {
        let (email, subject) = (quote(&self.email), quote(subject));
        let path = format!("//li[contains(normalize-space(), {email})]/a[starts-with(normalize-space(), {subject})]");
        eventually(&format!("a mail to {email} with the subject {subject}"), || async {
            self.browser.open_elsewhere(&app.mail_pages()).await;
            let link = self.browser.find_visible(Locator::XPath(&path)).await.ok().flatten()?;
            link.click().await.ok()
        })
        .await;
        self.browser.sees("Download the source").await;
    }

    /// Returns the path of the page that a mail to this person links to.
    pub(crate) async fn link_in_mail(&self, app: &TestApp, subject: &str, path: &str) -> String {
        self.open_mail(app, subject).await;
        let text = self.browser.find(Locator::Css("pre")).await.text().await.unwrap();
        let start = format!("{}{path}", app.url());
        let (_, rest) = text
            .split_once(&start)
            .unwrap_or_else(|| panic!("{start} is not in {text}"));
        format!("{path}{}", rest.split_whitespace().next().unwrap_or_default())
    }

    /// Follows a link in the HTML of the mail on the page. It opens in a tab of its own.
    pub(crate) async fn follow_link_of_mail(&self, text: &str) {
        let client = self.browser.client();
        let before = client.windows().await.unwrap();
        self.browser.enter_frame("iframe").await;
        self.browser.press(text).await;
        self.browser.leave_frame().await;
        let opened = eventually("the link opens a tab", || async {
            let windows = client.windows().await.ok()?;
            windows.into_iter().find(|window| !before.contains(window))
        })
        .await;
        client.switch_to_window(opened).await.unwrap();
    }

    /// Fills in the form of a new listing with what is needed, and a place and a time. Returns the path of its sales.
    pub(crate) async fn list_event(&self) -> String {
        let browser = &self.browser;
        browser.open("/sell/new").await;
        for (label, value) in [
            ("Title", "The Lighthouse Keepers, live"),
            ("Venue", "Harbour Hall, Hamburg"),
            ("Start of the event", "2030-06-12T20:00"),
            ("Price of one ticket", "19.99"),
            ("Number of tickets", "10"),
        ] {
            browser.fill(label, value).await;
        }
        browser.choose("Time zone of the venue", "Europe/Berlin").await;
        browser.choose("Currency", "EUR").await;
        browser.press_button("Create the listing").await;
        browser.sees("Nobody has ordered yet.").await;
        let path = browser.path().await;
        path.split('?').next().unwrap().to_owned()
    }

    /// Enters the code of a ticket at the door, and waits for the verdict.
    pub(crate) async fn enter_code(&self, code: &str, verdict: &str) {
        self.browser.fill("Code of the ticket", code).await;
        self.browser.press_button("Check in").await;
        self.browser.sees(verdict).await;
    }
}
