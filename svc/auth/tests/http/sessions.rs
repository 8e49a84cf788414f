//! The sessions of a user: listed, and ended one by one or all but one.

use reqwest::Method;
use serde_json::json;

use crate::test_app::{PASSWORD, SIGN_IN, Session, TestApp, credentials};

const SESSIONS: &str = "/api/v1/auth/sessions";

#[tokio::test]
async fn a_user_recognises_the_sessions_and_ends_one() {
    let app = TestApp::new().await;
    let ada = app.sign_up("ada@example.com").await;
    let browser = app.client().with(
        "user-agent",
        "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    );
    let reply = browser
        .post(SIGN_IN, credentials("ada@example.com", PASSWORD))
        .await
        .expect(200);
    let other = Session::from_reply(&reply);
    let client = app.client().bearer(&ada.access_token);
    let listed = client.get(SESSIONS).await.expect(200).json();
    let items = listed["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    assert_eq!(
        (&items[0]["device"], &items[0]["current"]),
        (&json!("Firefox, Linux"), &json!(false))
    );
    assert_eq!(items[1]["current"], json!(true));
    assert_eq!(items[0]["network"], json!("127.0.0.1/32"));

    let path = format!("{SESSIONS}/{}", items[0]["id"].as_str().unwrap());
    let ended = client.send(Method::DELETE, &path, None).await.expect(200);
    assert_eq!(ended.text_at("/sessionId"), items[0]["id"].as_str().unwrap());
    app.current_user(&other.access_token).await.expect(401).problem();
    client.send(Method::DELETE, &path, None).await.expect(404).problem();
    assert_eq!(
        client.get(SESSIONS).await.expect(200).json()["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    app.stop().await;
}

#[tokio::test]
async fn the_sessions_of_others_do_not_exist() {
    let app = TestApp::new().await;
    let (ada, bob) = (
        app.sign_up("ada@example.com").await,
        app.sign_up("bob@example.com").await,
    );
    let client = app.client().bearer(&bob.access_token);
    let listed = app
        .client()
        .bearer(&ada.access_token)
        .get(SESSIONS)
        .await
        .expect(200)
        .json();
    let path = format!("{SESSIONS}/{}", listed["items"][0]["id"].as_str().unwrap());
    let reply = client.send(Method::DELETE, &path, None).await.expect(404);
    assert_eq!(reply.problem().0, "not-found");
    let _ = client.send(Method::DELETE, SESSIONS, None).await.expect(200);
    let _ = app.current_user(&ada.access_token).await.expect(200);
    app.stop().await;
}

#[tokio::test]
async fn all_other_sessions_are_ended_at_once() {
    let app = TestApp::new().await;
    let ada = app.sign_up("ada@example.com").await;
    let mut others = Vec::new();
    for _ in 0..3 {
        others.push(Session::from_reply(
            &app.sign_in("ada@example.com", PASSWORD).await.expect(200),
        ));
    }
    let client = app.client().bearer(&ada.access_token);
    let ended = client.send(Method::DELETE, SESSIONS, None).await.expect(200).json();
    assert_eq!(ended, json!({"ended": 3}));
    for other in others {
        app.refresh(&other.refresh_token).await.expect(401).problem();
        app.current_user(&other.access_token).await.expect(401).problem();
    }
    let _ = app.current_user(&ada.access_token).await.expect(200);
    app.stop().await;
}

#[tokio::test]
async fn an_account_has_at_most_a_hundred_sessions() {
    let app = TestApp::new().await;
    let ada = app.sign_up("ada@example.com").await;
    let mut newest = None;
    for _ in 0..100 {
        newest = Some(Session::from_reply(
            &app.sign_in("ada@example.com", PASSWORD).await.expect(200),
        ));
    }
    app.current_user(&ada.access_token).await.expect(401).problem();
    let client = app.client().bearer(&newest.unwrap().access_token);
    let listed = client.get(SESSIONS).await.expect(200).json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 100);
    app.stop().await;
}
