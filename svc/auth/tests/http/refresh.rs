use std::time::Duration;

use reqwest::Method;

use crate::test_app::{CURRENT_USER, REFRESH, SIGN_OUT, Session, TestApp, cookie};

#[tokio::test]
async fn a_session_stays_open_while_it_is_refreshed() {
    let app = TestApp::with_manual_clock().await;
    let mut session = app.sign_up("ada@example.com").await;
    let ada = session.user_id.clone();
    for _ in 0..3 {
        app.env.clock.advance(Duration::from_mins(20));
        let expired = app.current_user(&session.access_token).await.expect(401);
        assert_eq!(expired.text_at("/code"), "token-expired");
        session = Session::from_reply(&app.refresh(&session.refresh_token).await.expect(200));
        let current = app.current_user(&session.access_token).await.expect(200);
        assert_eq!(current.text_at("/id"), ada);
    }
    app.env.clock.advance(Duration::from_hours(30 * 24));
    assert_eq!(
        app.refresh(&session.refresh_token).await.expect(401).text_at("/code"),
        "session-over"
    );
    app.stop().await;
}

#[tokio::test]
async fn a_reused_refresh_token_ends_its_session_and_no_other() {
    let app = TestApp::new().await;
    let (ada, bob) = (
        app.sign_up("ada@example.com").await,
        app.sign_up("bob@example.com").await,
    );
    let next = Session::from_reply(&app.refresh(&ada.refresh_token).await.expect(200));
    app.refresh(&ada.refresh_token).await.expect(401).problem();
    app.refresh(&next.refresh_token).await.expect(401).problem();
    app.current_user(&next.access_token).await.expect(401).problem();
    app.refresh(&bob.refresh_token).await.expect(200).json();
    app.stop().await;
}

#[tokio::test]
async fn of_two_concurrent_refreshes_at_most_one_succeeds() {
    let app = TestApp::new().await;
    let ada = app.sign_up("ada@example.com").await;
    let (one, other) = tokio::join!(app.refresh(&ada.refresh_token), app.refresh(&ada.refresh_token));
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
    app.current_user(&ada.access_token).await.expect(401).problem();
    app.stop().await;
}

#[tokio::test]
async fn an_invalid_refresh_token_changes_nothing() {
    let app = TestApp::new().await;
    let ada = app.sign_up("ada@example.com").await;
    let (session, _) = ada.refresh_token.split_once('.').unwrap();
    let later = format!("{session}.1{}", &ada.refresh_token[session.len() + 2..]);
    for forged in [
        "",
        "nonsense",
        &ada.access_token,
        &later,
        &ada.refresh_token[..ada.refresh_token.len() - 1],
    ] {
        let reply = app.refresh(forged).await.expect(401);
        assert_eq!(reply.text_at("/code"), "invalid-refresh-token", "{forged}");
    }
    let empty = app.client().send(Method::POST, REFRESH, None).await.expect(401);
    assert_eq!(empty.text_at("/code"), "no-refresh-token");
    app.refresh(&ada.refresh_token).await.expect(200).json();
    app.stop().await;
}

#[tokio::test]
async fn a_page_refreshes_by_cookie_only_from_our_own_site() {
    let app = TestApp::new().await;
    let ada = app.sign_up("ada@example.com").await;
    let page = app
        .client()
        .with("cookie", format!("ticketing_refresh={}", ada.refresh_token));
    let elsewhere = page.clone().with("sec-fetch-site", "cross-site");
    assert_eq!(
        elsewhere
            .send(Method::POST, REFRESH, None)
            .await
            .expect(403)
            .text_at("/code"),
        "cross-site"
    );
    let reply = page
        .with("sec-fetch-site", "same-origin")
        .send(Method::POST, REFRESH, None)
        .await
        .expect(200);
    let (next, _) = cookie(&reply, "ticketing_refresh");
    assert_ne!(next, ada.refresh_token);
    let user = reply.json()["user"].clone();
    assert_eq!(
        reply.json(),
        serde_json::json!({"user": user, "expiresIn": 900}),
        "what came as a cookie never leaves in a body"
    );
    let unreadable = app.client().with("cookie", "ticketing_refresh=ключ");
    unreadable.send(Method::POST, REFRESH, None).await.expect(401).problem();

    // A program changes to cookies.
    let body = serde_json::json!({"refreshToken": next, "delivery": "cookies"});
    let reply = app.client().post(REFRESH, body).await.expect(200);
    assert!(!reply.text.contains("Token"), "{}", reply.text);
    assert_ne!(cookie(&reply, "ticketing_refresh").0, next);
    app.stop().await;
}

#[tokio::test]
async fn signing_out_ends_the_session_and_clears_the_cookies() {
    let app = TestApp::new().await;
    for by_cookie in [false, true] {
        let ada = app.sign_up(&format!("ada{by_cookie}@example.com")).await;
        let client = if by_cookie {
            app.client()
                .with("cookie", format!("ticketing_session={}", ada.access_token))
        } else {
            app.client().bearer(&ada.access_token)
        };
        let reply = client.send(Method::POST, SIGN_OUT, None).await.expect(200);
        for name in ["ticketing_session", "ticketing_refresh"] {
            let (value, attributes) = cookie(&reply, name);
            assert_eq!(value, "");
            assert!(attributes.contains("Max-Age=0;"), "{attributes}");
        }
        assert_eq!(
            client.get(CURRENT_USER).await.expect(401).text_at("/code"),
            "session-over"
        );
        client.send(Method::POST, SIGN_OUT, None).await.expect(401).problem();
        app.refresh(&ada.refresh_token).await.expect(401).problem();
    }
    app.stop().await;
}
