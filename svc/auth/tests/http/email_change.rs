//! Changes of the address: confirmed at both.

use events::AccountMailKind::{ApproveNewEmail, ConfirmEmail, ConfirmNewEmail, EmailChanged, EmailTaken};
use serde_json::json;
use testkit::Reply;

use crate::test_app::{PASSWORD, TestApp};

const CHANGE: &str = "/api/v1/auth/email-changes";
const CONFIRM: &str = "/api/v1/auth/email-changes/confirmations";

async fn request(app: &TestApp, access_token: &str, email: &str, password: &str) -> Reply {
    let client = app.client().bearer(access_token);
    client.post(CHANGE, json!({"email": email, "password": password})).await
}

async fn confirm(app: &TestApp, token: &str) -> Reply {
    app.client().post(CONFIRM, json!({"token": token})).await
}

#[tokio::test]
async fn an_address_is_changed_when_both_have_confirmed() {
    for new_first in [true, false] {
        let app = TestApp::new().await;
        let ada = app.sign_up("ada@example.com").await;
        let wrong = request(&app, &ada.access_token, "ada@new.example", "not the password").await;
        assert_eq!(wrong.expect(403).problem().0, "wrong-password");
        let _ = request(&app, &ada.access_token, "Ada@new.example", PASSWORD)
            .await
            .expect(202);
        let mut tokens = [
            app.token("ada@example.com", ApproveNewEmail).await,
            app.token("Ada@new.example", ConfirmNewEmail).await,
        ];
        if new_first {
            tokens.reverse();
        }
        assert_eq!(
            confirm(&app, &tokens[0]).await.expect(200).text_at("/status"),
            "waiting"
        );
        confirm(&app, &tokens[0]).await.expect(400).problem();
        let unchanged = app.current_user(&ada.access_token).await.expect(200);
        assert_eq!(unchanged.text_at("/email"), "ada@example.com");
        assert_eq!(
            confirm(&app, &tokens[1]).await.expect(200).text_at("/status"),
            "changed"
        );
        confirm(&app, &tokens[1]).await.expect(400).problem();

        let changed = app.current_user(&ada.access_token).await.expect(200).json();
        assert_eq!(
            (&changed["email"], &changed["emailConfirmed"]),
            (&json!("Ada@new.example"), &json!(true))
        );
        app.mail("ada@example.com", EmailChanged, 0).await;
        let event = app.env.wait_for_event(|event| {
            let account = event.as_account();
            account.is_some_and(|account| account.email.as_deref() == Some("Ada@new.example"))
        });
        assert_eq!(event.await.as_account().unwrap().version, 2);
        let _ = app.sign_in("ada@new.example", PASSWORD).await.expect(200);
        app.sign_in("ada@example.com", PASSWORD).await.expect(401).problem();
        // The former address has no account, and its link confirms nothing.
        let old_link = app.token("ada@example.com", ConfirmEmail).await;
        let client = app.client();
        let reply = client.post("/api/v1/auth/email-confirmations", json!({"token": old_link}));
        reply.await.expect(400).problem();
        app.sign_up("ada@example.com").await;
        app.stop().await;
    }
}

#[tokio::test]
async fn a_change_to_a_taken_address_is_answered_alike_and_never_done() {
    let app = TestApp::new().await;
    let ada = app.sign_up("ada@example.com").await;
    app.sign_up("bob@example.com").await;
    let free = request(&app, &ada.access_token, "free@example.com", PASSWORD)
        .await
        .expect(202);
    let taken = request(&app, &ada.access_token, "Bob@example.com", PASSWORD)
        .await
        .expect(202);
    assert_eq!(free.text, taken.text);
    app.mail("bob@example.com", EmailTaken, 0).await;
    let approve = crate::test_app::token_of(&app.mail("ada@example.com", ApproveNewEmail, 1).await);
    assert_eq!(confirm(&app, &approve).await.expect(200).text_at("/status"), "waiting");
    // The earlier request was replaced.
    let confirm_free = app.token("free@example.com", ConfirmNewEmail).await;
    confirm(&app, &confirm_free).await.expect(400).problem();
    let current = app.current_user(&ada.access_token).await.expect(200);
    assert_eq!(current.text_at("/email"), "ada@example.com");
    app.stop().await;
}

#[tokio::test]
async fn an_address_that_was_taken_meanwhile_stays_with_its_user() {
    let app = TestApp::new().await;
    let ada = app.sign_up("ada@example.com").await;
    let _ = request(&app, &ada.access_token, "new@example.com", PASSWORD)
        .await
        .expect(202);
    let approve = app.token("ada@example.com", ApproveNewEmail).await;
    let confirmed = app.token("new@example.com", ConfirmNewEmail).await;
    let _ = confirm(&app, &approve).await.expect(200);
    let holder = app.sign_up("new@example.com").await;
    assert_eq!(confirm(&app, &confirmed).await.expect(400).problem().0, "invalid-link");
    let current = app.current_user(&holder.access_token).await.expect(200);
    assert_eq!(current.text_at("/email"), "new@example.com");
    app.stop().await;
}
