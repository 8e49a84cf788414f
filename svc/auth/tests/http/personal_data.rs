//! The export of the personal data that this service stores.

use serde_json::json;

use crate::test_app::{PASSWORD, Session, TestApp};

const PATH: &str = "/api/v1/auth/personal-data";

#[tokio::test]
async fn a_user_reads_the_account_all_sessions_and_the_entries_of_the_audit_log() {
    let app = TestApp::new().await;
    let ada = app.sign_up("Ada@example.com").await;
    let ended = Session::from_reply(&app.sign_in("ada@example.com", PASSWORD).await.expect(200));
    let sign_out = app.client().bearer(&ended.access_token);
    let _ = sign_out.post("/api/v1/auth/signout", json!({})).await.expect(200);
    let client = app.client().bearer(&ada.access_token);
    let change = json!({"email": "ada@lovelace.example", "password": PASSWORD});
    let _ = client.post("/api/v1/auth/email-changes", change).await.expect(202);

    let page = client.get(PATH).await.expect(200);
    insta::assert_json_snapshot!(page.stable_json(), @r#"
    {
      "id": "[id]",
      "email": "Ada@example.com",
      "newEmail": "ada@lovelace.example",
      "language": "en",
      "createdAt": "[time]",
      "updatedAt": "[time]",
      "recoveryCodesLeft": 0,
      "sessions": [
        {
          "id": "[id]",
          "network": "127.0.0.1/32",
          "startedAt": "[time]",
          "lastUsedAt": "[time]",
          "expiresAt": "[time]",
          "endedAt": "[time]"
        },
        {
          "id": "[id]",
          "network": "127.0.0.1/32",
          "startedAt": "[time]",
          "lastUsedAt": "[time]",
          "expiresAt": "[time]"
        }
      ],
      "activity": [],
      "nextCursor": "[random]"
    }
    "#);
    for limit in [1, 100] {
        assert_eq!(client.exported(PATH, "sessions", limit).await.len(), 2);
        let activity = client.exported(PATH, "activity", limit).await;
        let actions: Vec<_> = activity.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
        assert_eq!(actions, ["email-change-request", "session-end", "sign-in", "sign-up"]);
        assert!(activity.iter().all(|entry| entry["network"] == "127.0.0.1/32"));
    }
    app.stop().await;
}

#[tokio::test]
async fn nobody_reads_the_personal_data_of_others() {
    let app = TestApp::new().await;
    let (ada, bob) = (
        app.sign_up("ada@example.com").await,
        app.sign_up("bob@example.com").await,
    );
    let _ = app.client().get(PATH).await.expect(401);
    let (ada, bob) = (
        app.client().bearer(&ada.access_token),
        app.client().bearer(&bob.access_token),
    );
    let first = ada.get(&format!("{PATH}?limit=1")).await.expect(200);
    let cursor = first.text_at("/nextCursor");
    let refused = bob.get(&format!("{PATH}?cursor={cursor}")).await.expect(400);
    assert_eq!(refused.problem().1, "cursor");
    let sessions = bob.exported(PATH, "sessions", 100).await;
    assert_eq!(sessions.len(), 1);
    assert_ne!(sessions[0]["id"], first.json()["sessions"][0]["id"]);

    // An ended session cannot be used to read either.
    let _ = bob.post("/api/v1/auth/signout", json!({})).await.expect(200);
    let _ = bob.get(PATH).await.expect(401);
    app.stop().await;
}
