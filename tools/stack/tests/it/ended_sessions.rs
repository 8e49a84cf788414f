//! Access tokens of sessions that have ended, at every service.

use reqwest::Method;
use serde_json::json;

use crate::{
    Client, eventually,
    operations::UNKNOWN_ID,
    test_app::TestApp,
    user::{PASSWORD, User},
};

/// One operation of each service that requires a signed-in user.
fn secured_paths() -> [String; 5] {
    [
        "/api/v1/auth/users/current".to_owned(),
        format!("/api/v1/tickets/{UNKNOWN_ID}"),
        "/api/v1/orders".to_owned(),
        format!("/api/v1/expirations/{UNKNOWN_ID}"),
        format!("/api/v1/payments/{UNKNOWN_ID}"),
    ]
}

/// Returns the code of the refusal; `None` if the token is accepted.
async fn refusal(client: &Client, path: &str) -> Option<String> {
    // Anybody may read a listing.
    let method = if path.contains("/tickets/") {
        Method::DELETE
    } else {
        Method::GET
    };
    let reply = client.send(method, path, None).await;
    (reply.status == 401).then(|| reply.text_at("/code"))
}

async fn sign_in(app: &TestApp, user: &User) -> Client {
    let credentials = json!({"email": user.email, "password": PASSWORD});
    let reply = app.client().post("/api/v1/auth/signin", credentials).await.expect(200);
    app.client().bearer(&reply.text_at("/accessToken"))
}

#[tokio::test]
async fn every_service_refuses_the_tokens_of_an_ended_session_also_after_a_restart() {
    let mut app = TestApp::new();
    let user = app.user().await;
    let other_device = sign_in(&app, &user).await;
    for path in secured_paths() {
        assert_eq!(refusal(user.client(), &path).await, None, "{path}");
    }
    let sign_out = user.client().send(Method::POST, "/api/v1/auth/signout", None).await;
    sign_out.expect(200).json();
    for path in secured_paths() {
        let code = eventually(&format!("{path} refuses the token"), || async {
            refusal(user.client(), &path).await
        })
        .await;
        assert_eq!(code, "session-over", "{path}");
        assert_eq!(refusal(&other_device, &path).await, None, "{path}");
    }
    app.restart();
    let restarted = user.with_url(&app.url());
    for path in secured_paths() {
        let code = refusal(restarted.client(), &path).await;
        assert_eq!(code.as_deref(), Some("session-over"), "{path}");
    }
}
