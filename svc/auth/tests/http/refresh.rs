use std::time::Duration;

use reqwest::Method;
use testkit::TestEnv;
use values::{Clock, Timestamp};

use crate::person::{CURRENT, Given, REFRESH, SIGN_OUT, cookie, refresh, sign_up, start};

#[tokio::test]
async fn a_session_goes_on_by_refreshing_it() {
    let kit = TestEnv::with_clock(Clock::manual(Timestamp::from_millis(1_800_000_000_000))).await;
    let auth = start(&kit).await;
    let mut given = sign_up(&auth, "ada@example.com").await;
    let ada = given.user_id.clone();
    for _ in 0..3 {
        kit.clock.advance(Duration::from_mins(20));
        let expired = auth.client().bearer(&given.access).get(CURRENT).await.expect(401);
        assert_eq!(expired.text_at("/code"), "token-expired");
        given = Given::of(&refresh(&auth.client(), &given.refresh).await.expect(200));
        let current = auth.client().bearer(&given.access).get(CURRENT).await.expect(200);
        assert_eq!(current.text_at("/id"), ada);
    }
    kit.clock.advance(Duration::from_hours(30 * 24));
    assert_eq!(
        refresh(&auth.client(), &given.refresh)
            .await
            .expect(401)
            .text_at("/code"),
        "session-over"
    );
    auth.stop().await;
}

#[tokio::test]
async fn a_refresh_token_that_comes_twice_ends_its_session_and_no_other() {
    let kit = TestEnv::new().await;
    let auth = start(&kit).await;
    let (ada, bob) = (
        sign_up(&auth, "ada@example.com").await,
        sign_up(&auth, "bob@example.com").await,
    );
    let next = Given::of(&refresh(&auth.client(), &ada.refresh).await.expect(200));
    refresh(&auth.client(), &ada.refresh).await.expect(401).problem();
    refresh(&auth.client(), &next.refresh).await.expect(401).problem();
    auth.client()
        .bearer(&next.access)
        .get(CURRENT)
        .await
        .expect(401)
        .problem();
    refresh(&auth.client(), &bob.refresh).await.expect(200).json();
    auth.stop().await;
}

#[tokio::test]
async fn of_two_who_refresh_at_once_one_at_most_goes_on() {
    let kit = TestEnv::new().await;
    let auth = start(&kit).await;
    let ada = sign_up(&auth, "ada@example.com").await;
    let (one, other) = (auth.client(), auth.client());
    let (one, other) = tokio::join!(refresh(&one, &ada.refresh), refresh(&other, &ada.refresh));
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
    auth.client()
        .bearer(&ada.access)
        .get(CURRENT)
        .await
        .expect(401)
        .problem();
    auth.stop().await;
}

#[tokio::test]
async fn what_is_no_refresh_token_changes_nothing() {
    let kit = TestEnv::new().await;
    let auth = start(&kit).await;
    let ada = sign_up(&auth, "ada@example.com").await;
    let (session, _) = ada.refresh.split_once('.').unwrap();
    let later = format!("{session}.1{}", &ada.refresh[session.len() + 2..]);
    for forged in [
        "",
        "nonsense",
        &ada.access,
        &later,
        &ada.refresh[..ada.refresh.len() - 1],
    ] {
        let reply = refresh(&auth.client(), forged).await.expect(401);
        assert_eq!(reply.text_at("/code"), "invalid-refresh-token", "{forged}");
    }
    let nothing = auth.client().send(Method::POST, REFRESH, None).await.expect(401);
    assert_eq!(nothing.text_at("/code"), "no-refresh-token");
    refresh(&auth.client(), &ada.refresh).await.expect(200).json();
    auth.stop().await;
}

#[tokio::test]
async fn a_page_refreshes_by_cookie_from_our_own_site_only() {
    let kit = TestEnv::new().await;
    let auth = start(&kit).await;
    let ada = sign_up(&auth, "ada@example.com").await;
    let page = auth
        .client()
        .with("cookie", format!("ticketing_refresh={}", ada.refresh));
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
    assert_eq!(cookie(&reply, "ticketing_refresh").0, reply.text_at("/refreshToken"));
    assert_ne!(reply.text_at("/refreshToken"), ada.refresh);
    auth.stop().await;
}

#[tokio::test]
async fn signing_out_ends_the_session_and_takes_the_cookies_back() {
    let kit = TestEnv::new().await;
    let auth = start(&kit).await;
    for by_cookie in [false, true] {
        let ada = sign_up(&auth, &format!("ada{by_cookie}@example.com")).await;
        let client = if by_cookie {
            auth.client()
                .with("cookie", format!("ticketing_session={}", ada.access))
        } else {
            auth.client().bearer(&ada.access)
        };
        let reply = client.send(Method::POST, SIGN_OUT, None).await.expect(200);
        for name in ["ticketing_session", "ticketing_refresh"] {
            let (value, attributes) = cookie(&reply, name);
            assert_eq!(value, "");
            assert!(attributes.contains("Max-Age=0;"), "{attributes}");
        }
        assert_eq!(client.get(CURRENT).await.expect(401).text_at("/code"), "session-over");
        client.send(Method::POST, SIGN_OUT, None).await.expect(401).problem();
        refresh(&auth.client(), &ada.refresh).await.expect(401).problem();
    }
    auth.stop().await;
}
