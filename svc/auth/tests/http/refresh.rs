use std::time::Duration;

use events::Event;
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
    let app = TestApp::with_manual_clock().await;
    let (ada, bob) = (
        app.sign_up("ada@example.com").await,
        app.sign_up("bob@example.com").await,
    );
    let next = Session::from_reply(&app.refresh(&ada.refresh_token).await.expect(200));
    app.env.clock.advance(Duration::from_secs(30));
    app.refresh(&ada.refresh_token).await.expect(401).problem();
    app.refresh(&next.refresh_token).await.expect(401).problem();
    for token in [&ada.access_token, &next.access_token] {
        let refused = app.current_user(token).await.expect(401);
        assert_eq!(refused.text_at("/code"), "session-over");
    }
    wait_for_end(&app, &ada).await;
    app.refresh(&bob.refresh_token).await.expect(200).json();
    app.stop().await;
}

#[tokio::test]
async fn two_tabs_that_refresh_at_once_both_go_on() {
    let app = TestApp::with_manual_clock().await;
    let ada = app.sign_up("ada@example.com").await;
    let (one, other) = tokio::join!(app.refresh(&ada.refresh_token), app.refresh(&ada.refresh_token));
    let (one, other) = (
        Session::from_reply(&one.expect(200)),
        Session::from_reply(&other.expect(200)),
    );
    assert_eq!(one.refresh_token, other.refresh_token);
    app.current_user(&other.access_token).await.expect(200).json();

    // A client whose response was lost repeats its request.
    app.env.clock.advance(Duration::from_millis(29_999));
    let again = Session::from_reply(&app.refresh(&ada.refresh_token).await.expect(200));
    assert_eq!(again.refresh_token, one.refresh_token);
    app.env.clock.advance(Duration::from_mins(10));
    let next = Session::from_reply(&app.refresh(&again.refresh_token).await.expect(200));
    app.current_user(&next.access_token).await.expect(200).json();
    app.stop().await;
}

#[tokio::test]
async fn a_session_is_over_after_ninety_days() {
    let app = TestApp::with_manual_clock().await;
    let mut session = app.sign_up("ada@example.com").await;
    for _ in 0..3 {
        app.env.clock.advance(Duration::from_hours(29 * 24));
        session = Session::from_reply(&app.refresh(&session.refresh_token).await.expect(200));
    }
    let page = app
        .client()
        .with("cookie", format!("ticketing_refresh={}", session.refresh_token));
    let reply = page.send(Method::POST, REFRESH, None).await.expect(200);
    let (refresh, attributes) = cookie(&reply, "__Host-ticketing_refresh");
    assert!(
        attributes.contains("Max-Age=259200;"),
        "three days are left: {attributes}"
    );
    app.env.clock.advance(Duration::from_hours(3 * 24));
    let over = app.refresh(&refresh).await.expect(401);
    assert_eq!(over.text_at("/code"), "session-over");
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
    let (next, _) = cookie(&reply, "__Host-ticketing_refresh");
    assert_ne!(next, ada.refresh_token);
    let (old, attributes) = cookie(&reply, "ticketing_refresh");
    assert_eq!(old, "", "the cookie of the release before is cleared");
    assert!(attributes.starts_with("Path=/api/v1/auth; Max-Age=0;"), "{attributes}");
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
    assert_ne!(cookie(&reply, "__Host-ticketing_refresh").0, next);
    app.stop().await;
}

#[tokio::test]
async fn signing_out_ends_the_session_and_clears_the_cookies() {
    let app = TestApp::new().await;
    for by_cookie in [false, true] {
        let ada = app.sign_up(&format!("ada{by_cookie}@example.com")).await;
        let client = if by_cookie {
            app.client()
                .with("cookie", format!("__Host-ticketing_session={}", ada.access_token))
        } else {
            app.client().bearer(&ada.access_token)
        };
        let reply = client.send(Method::POST, SIGN_OUT, None).await.expect(200);
        for name in [
            "__Host-ticketing_session",
            "__Host-ticketing_refresh",
            "ticketing_session",
            "ticketing_refresh",
        ] {
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
        wait_for_end(&app, &ada).await;
    }
    app.stop().await;
}

#[tokio::test]
async fn the_refresh_cookie_alone_signs_out_also_when_the_access_token_has_expired() {
    let app = TestApp::with_manual_clock().await;
    for sends_access_token in [false, true] {
        let ada = app.sign_up(&format!("ada.{sends_access_token}@example.com")).await;
        app.env.clock.advance(Duration::from_mins(20));
        let mut cookies = format!("ticketing_refresh={}", ada.refresh_token);
        if sends_access_token {
            cookies = format!("ticketing_session={}; {cookies}", ada.access_token);
        }
        let page = app.client().with("cookie", cookies);
        let elsewhere = page.clone().with("sec-fetch-site", "cross-site");
        let refused = elsewhere.send(Method::POST, SIGN_OUT, None).await.expect(403);
        assert_eq!(refused.text_at("/code"), "cross-site");
        let reply = page.send(Method::POST, SIGN_OUT, None).await.expect(200);
        assert_eq!(cookie(&reply, "ticketing_refresh").0, "");
        let again = page.send(Method::POST, SIGN_OUT, None).await.expect(401);
        assert_eq!(again.text_at("/code"), "session-over");
        app.refresh(&ada.refresh_token).await.expect(401).problem();
        wait_for_end(&app, &ada).await;
    }
    let forged = app.client().with("cookie", "ticketing_refresh=nonsense");
    let refused = forged.send(Method::POST, SIGN_OUT, None).await.expect(401);
    assert_eq!(refused.text_at("/code"), "invalid-refresh-token");
    app.stop().await;
}

#[tokio::test]
async fn a_restarted_service_still_refuses_the_tokens_of_an_ended_session() {
    let app = TestApp::new().await;
    let ada = app.sign_up("ada@example.com").await;
    let client = app.client().bearer(&ada.access_token);
    client.send(Method::POST, SIGN_OUT, None).await.expect(200).json();
    let app = TestApp::restart(app.stop().await).await;
    let refused = app.current_user(&ada.access_token).await.expect(401);
    assert_eq!(refused.text_at("/code"), "session-over");
    app.stop().await;
}

/// Waits until the end of the user's session is published.
async fn wait_for_end(app: &TestApp, session: &Session) {
    let ended = |event: &Event| {
        let ended = event.as_session();
        ended.is_some_and(|ended| ended.user_id.to_string() == session.user_id)
    };
    app.env.wait_for_event(ended).await;
}
