use std::time::Duration;

use events::{Account, AccountMail, AccountMailKind, AccountStatus, Event};
use notification::Notification;

use crate::test_app::{TestApp, recipients, subjects};

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_about_an_account_goes_to_the_address_of_its_event_with_the_link() {
    let app = TestApp::new().await;
    let account = app.account("old@example.com");
    let mail = AccountMail {
        address: "new@example.com".to_owned(),
        ..app.account_mail(&account, AccountMailKind::ConfirmNewEmail)
    };
    app.auth(Event::AccountMailRequested(mail.clone())).await;
    app.auth(Event::AccountMailRequested(mail)).await;
    let mails = app.all_mails().await;
    assert_eq!(recipients(&mails), ["new@example.com"]);
    let mail = &mails[0];
    assert_eq!(mail.header("From"), Some("Tickets <tickets@example.com>"));
    assert_eq!(mail.header("To"), Some("new@example.com"));
    assert_eq!(mail.header("Auto-Submitted"), Some("auto-generated"));
    assert!(
        mail.data
            .contains("https://tickets.example.com/change-email/secret-token"),
        "{}",
        mail.data
    );
    app.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_with_an_expired_link_or_for_a_confirmed_address_is_not_sent() {
    let app = TestApp::new().await;
    let account = app.sign_up("ada@example.com").await;
    let expired = AccountMail {
        expires_at: Some(app.now()),
        ..app.account_mail(&account, AccountMailKind::ResetPassword)
    };
    app.auth(Event::AccountMailRequested(expired)).await;
    let confirmed = Account {
        version: 2,
        email_confirmed_at: Some(app.now()),
        ..account.clone()
    };
    app.auth(Event::AccountUpdated(confirmed)).await;
    let late = app.account_mail(&account, AccountMailKind::ConfirmEmail);
    app.auth(Event::AccountMailRequested(late)).await;
    assert_eq!(app.all_mails().await, []);
    app.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_account_gets_one_last_mail_and_leaves_no_data() {
    let app = TestApp::new().await;
    let account = app.sign_up("ada@example.com").await;
    app.request_password_mail(&account).await;
    assert_eq!(app.all_mails().await.len(), 1);

    let deleted = Account {
        version: 3,
        status: AccountStatus::Deleted,
        email: None,
        name: None,
        ..account.clone()
    };
    let last = AccountMail {
        sealed_token: None,
        expires_at: None,
        ..app.account_mail(&account, AccountMailKind::AccountDeleted)
    };
    app.auth(Event::AccountDeleted(deleted)).await;
    app.auth(Event::AccountMailRequested(last)).await;
    // An event that was delayed brings the data back.
    app.auth(Event::AccountUpdated(Account {
        version: 2,
        ..account.clone()
    }))
    .await;
    app.request_password_mail(&account).await;
    let mails = app.all_mails().await;
    assert_eq!(subjects(&mails)[1..], ["Your account was deleted"]);

    // The job deletes the last mail, which is due at once.
    let app = app.restart_after(async |_| ()).await;
    let database = app.env.database::<Notification>();
    testkit::eventually("the last mail is deleted", async || {
        let conn = rusqlite::Connection::open(&database).unwrap();
        let found: i64 = conn
            .query_row(
                "SELECT (SELECT count(*) FROM mail WHERE address = 'ada@example.com' OR recipient = 'ada@example.com')
                      + (SELECT count(*) FROM account WHERE email IS NOT NULL OR name IS NOT NULL)",
                [],
                |row| row.get(0),
            )
            .unwrap();
        (found == 0).then_some(())
    })
    .await;
    app.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_event_is_not_mailed() {
    let app = TestApp::new().await;
    let account = app.sign_up("ada@example.com").await;
    let old = AccountMail {
        requested_at: app.now() - Duration::from_hours(25),
        expires_at: None,
        ..app.account_mail(&account, AccountMailKind::PasswordChanged)
    };
    app.auth(Event::AccountMailRequested(old)).await;
    assert_eq!(app.all_mails().await, []);
    app.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn offers_that_strangers_mail_to_an_address_delay_no_mail_about_its_account() {
    let app = TestApp::with(|settings| settings.per_recipient = 2).await;
    let (account, listing) = (app.sign_up("Ada@Example.com").await, app.listing());
    app.ticket(Event::TicketCreated(listing.clone())).await;
    for _ in 0..7 {
        let offer = app.offer("ada@example.com", &listing);
        app.ticket(Event::TransferOffered(offer)).await;
    }
    assert_eq!(app.all_mails().await.len(), 5);
    app.request_password_mail(&account).await;
    let mails = app.all_mails().await;
    assert_eq!(subjects(&mails)[5..], ["Your password was changed"]);
    app.advance(Duration::from_secs(3601));
    // With those that prove that all were sent.
    app.sink.wait_for(10).await;
    app.stop_and_check().await;
}
