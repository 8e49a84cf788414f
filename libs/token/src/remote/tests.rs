use std::sync::atomic::{AtomicUsize, Ordering};

use poem::{
    Endpoint, IntoResponse, Response, Server, endpoint,
    http::StatusCode,
    listener::{Acceptor, Listener, TcpListener},
};
use tempfile::TempDir;
use tokio::task::JoinSet;
use values::Clock;

use super::*;
use crate::{
    AUDIENCE, ISSUER, Refused, SigningKey, Verifier,
    testing::{NOW, claims, jwks, key},
};

/// As often as the test likes.
const AT_ONCE: Pace = Pace {
    renew: Duration::from_hours(1),
    pause: Duration::ZERO,
    first: Duration::ZERO,
};
/// Once, and not again while the test runs.
const ONCE: Pace = Pace {
    renew: Duration::from_hours(1),
    pause: Duration::from_hours(1),
    first: Duration::from_hours(1),
};

/// Auth, as far as its keys are concerned.
struct Auth {
    url: Url,
    answer: Arc<Mutex<(StatusCode, String)>>,
    asked: Arc<AtomicUsize>,
    /// Of a service that asks it.
    disk: TempDir,
    _server: JoinSet<()>,
}

impl Auth {
    async fn publishing(keys: &[&SigningKey]) -> Self {
        let answer = Arc::new(Mutex::new((StatusCode::OK, String::new())));
        let asked = Arc::new(AtomicUsize::new(0));
        let endpoint = endpoint::make_sync({
            let (answer, asked) = (Arc::clone(&answer), Arc::clone(&asked));
            move |_| {
                asked.fetch_add(1, Ordering::SeqCst);
                let (status, body) = answer.lock().unwrap().clone();
                Response::builder().status(status).body(body)
            }
        });
        let (url, server) = serve(endpoint).await;
        let auth = Self {
            url,
            answer,
            asked,
            disk: tempfile::tempdir().unwrap(),
            _server: server,
        };
        auth.publish(keys);
        auth
    }

    fn publish(&self, keys: &[&SigningKey]) {
        self.answers(StatusCode::OK, &serde_json::to_string(&jwks(keys)).unwrap());
    }

    fn answers(&self, status: StatusCode, body: &str) {
        *self.answer.lock().unwrap() = (status, body.to_owned());
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn verifier(&self, pace: Pace) -> Verifier {
        verifier(&self.url, pace, &self.disk)
    }
}

async fn serve<E>(endpoint: E) -> (Url, JoinSet<()>)
where
    E: Endpoint + 'static,
    E::Output: IntoResponse,
{
    let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.unwrap();
    let address = acceptor.local_addr()[0].as_socket_addr().copied().unwrap();
    let mut server = JoinSet::new();
    server.spawn(async move {
        Server::new_with_acceptor(acceptor).run(endpoint).await.unwrap();
    });
    (
        Url::parse(&format!("http://{address}/api/v1/auth/jwks.json")).unwrap(),
        server,
    )
}

fn verifier(url: &Url, pace: Pace, disk: &TempDir) -> Verifier {
    let url = url.clone();
    let remote = Remote::with_pace(move || Ok(url.clone()), pace, disk.path().join("jwks.json")).unwrap();
    Verifier::remote(remote, ISSUER, AUDIENCE, Clock::manual(NOW))
}

fn token(key: &SigningKey) -> String {
    key.sign(&claims()).unwrap()
}

#[tokio::test]
async fn the_keys_are_read_once_for_many_tokens() {
    let key = key(1);
    let auth = Auth::publishing(&[&key]).await;
    let verifier = auth.verifier(AT_ONCE);
    for _ in 0..10 {
        verifier.verify(&token(&key)).await.unwrap();
    }
    assert_eq!(auth.asked(), 1);
}

#[tokio::test]
async fn an_auth_that_moves_is_asked_where_it_is_now() {
    let (old, new) = (key(1), key(2));
    let (before, after) = (Auth::publishing(&[&old]).await, Auth::publishing(&[&old, &new]).await);
    let at = Arc::new(Mutex::new(Err("nobody knows yet".to_owned())));
    let address = Arc::clone(&at);
    let remote = Remote::with_pace(
        move || address.lock().unwrap().clone(),
        AT_ONCE,
        before.disk.path().join("jwks.json"),
    );
    let remote = remote.unwrap();
    let verifier = Verifier::remote(remote, ISSUER, AUDIENCE, Clock::manual(NOW));
    let refused = verifier.verify(&token(&old)).await.unwrap_err();
    assert!(refused.to_string().contains("nobody knows yet"), "{refused}");
    *at.lock().unwrap() = Ok(before.url.clone());
    verifier.verify(&token(&old)).await.unwrap();
    *at.lock().unwrap() = Ok(after.url.clone());
    verifier.verify(&token(&new)).await.unwrap();
    assert_eq!((before.asked(), after.asked()), (1, 1));
}

#[tokio::test]
async fn a_rotated_key_is_learned_when_its_first_token_comes_and_the_old_one_stays_good() {
    let (old, new) = (key(1), key(2));
    let auth = Auth::publishing(&[&old]).await;
    let verifier = auth.verifier(AT_ONCE);
    verifier.verify(&token(&old)).await.unwrap();
    auth.publish(&[&new, &old]);
    verifier.verify(&token(&new)).await.unwrap();
    verifier.verify(&token(&old)).await.unwrap();
    assert_eq!(auth.asked(), 2);

    auth.publish(&[&new]);
    verifier.verify(&token(&key(3))).await.unwrap_err();
    let withdrawn = verifier.verify(&token(&old)).await;
    assert!(matches!(withdrawn, Err(Refused::Invalid(_))), "{withdrawn:?}");
}

#[tokio::test]
async fn a_flood_of_unknown_keys_does_not_reach_auth() {
    let known = key(1);
    let auth = Auth::publishing(&[&known]).await;
    let verifier = auth.verifier(ONCE);
    verifier.verify(&token(&known)).await.unwrap();
    let mut flood = JoinSet::new();
    for seed in 2..=60 {
        let (verifier, token) = (verifier.clone(), token(&key(seed)));
        flood.spawn(async move { verifier.verify(&token).await });
    }
    for answer in flood.join_all().await {
        assert!(matches!(answer, Err(Refused::Invalid(_))), "{answer:?}");
    }
    assert_eq!(auth.asked(), 1);
}

#[tokio::test]
async fn requests_at_the_same_time_share_one_reading() {
    let key = key(1);
    let auth = Auth::publishing(&[&key]).await;
    let verifier = auth.verifier(ONCE);
    let mut crowd = JoinSet::new();
    for _ in 0..50 {
        let (verifier, token) = (verifier.clone(), token(&key));
        crowd.spawn(async move { verifier.verify(&token).await });
    }
    assert!(crowd.join_all().await.iter().all(Result::is_ok));
    assert_eq!(auth.asked(), 1);
}

#[tokio::test]
async fn who_is_signed_in_stays_so_while_auth_is_away() {
    let key = key(1);
    let auth = Auth::publishing(&[&key]).await;
    let verifier = auth.verifier(Pace {
        renew: Duration::ZERO,
        ..AT_ONCE
    });
    verifier.verify(&token(&key)).await.unwrap();
    for (status, body) in [
        (StatusCode::BAD_GATEWAY, ""),
        (StatusCode::OK, "not json"),
        (StatusCode::OK, r#"{"keys":[]}"#),
        (
            StatusCode::OK,
            r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"c2hvcnQ","kid":"short"}]}"#,
        ),
    ] {
        auth.answers(status, body);
        let before = auth.asked();
        // An unknown key makes it ask, and wait for the answer.
        verifier.verify(&token(&self::key(9))).await.unwrap_err();
        assert!(auth.asked() > before);
        verifier.verify(&token(&key)).await.unwrap();
    }
}

#[tokio::test]
async fn nobody_is_called_a_stranger_before_the_keys_are_known() {
    let key = key(1);
    let auth = Auth::publishing(&[&key]).await;
    auth.answers(StatusCode::SERVICE_UNAVAILABLE, "");
    let verifier = auth.verifier(AT_ONCE);
    let refused = verifier.verify(&token(&key)).await.unwrap_err();
    assert!(matches!(refused, Refused::NoKeys { .. }), "{refused}");
    assert_eq!(problem::Problem::from(refused).status(), 503);

    auth.publish(&[&key]);
    verifier.verify(&token(&key)).await.unwrap();
}

#[tokio::test]
async fn a_service_that_begins_while_auth_is_away_knows_the_keys_that_it_knew() {
    let (old, new) = (key(1), key(2));
    let auth = Auth::publishing(&[&old]).await;
    auth.verifier(AT_ONCE).verify(&token(&old)).await.unwrap();

    auth.answers(StatusCode::BAD_GATEWAY, "");
    let verifier = auth.verifier(AT_ONCE);
    verifier.verify(&token(&old)).await.unwrap();
    verifier.verify(&token(&new)).await.unwrap_err();

    auth.publish(&[&new]);
    verifier.verify(&token(&new)).await.unwrap();
    verifier.verify(&token(&old)).await.unwrap_err();
    auth.answers(StatusCode::BAD_GATEWAY, "");
    let verifier = auth.verifier(AT_ONCE);
    verifier.verify(&token(&new)).await.unwrap();
    verifier.verify(&token(&old)).await.unwrap_err();
}

#[tokio::test]
async fn kept_keys_that_cannot_be_read_are_asked_for() {
    let key = key(1);
    let auth = Auth::publishing(&[&key]).await;
    for damage in ["", "half a docu", r#"{"keys":[]}"#] {
        std::fs::write(auth.disk.path().join("jwks.json"), damage).unwrap();
        auth.verifier(AT_ONCE).verify(&token(&key)).await.unwrap();
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let key = key(1);
    let elsewhere = Auth::publishing(&[&key]).await;
    let to = elsewhere.url.to_string();
    let (url, _server) = serve(endpoint::make_sync(move |_| {
        Response::builder()
            .status(StatusCode::FOUND)
            .header("location", &to)
            .finish()
    }))
    .await;
    let disk = tempfile::tempdir().unwrap();
    let refused = verifier(&url, AT_ONCE, &disk).verify(&token(&key)).await.unwrap_err();
    assert!(matches!(refused, Refused::NoKeys { .. }), "{refused}");
    assert_eq!(elsewhere.asked(), 0);
}

#[tokio::test]
async fn a_document_without_end_is_not_read_to_the_end() {
    let (url, _server) = serve(endpoint::make_sync(|_| "x".repeat(2 * LARGEST_DOCUMENT))).await;
    let disk = tempfile::tempdir().unwrap();
    let refused = verifier(&url, AT_ONCE, &disk)
        .verify(&token(&key(1)))
        .await
        .unwrap_err();
    assert!(refused.to_string().ends_with("its answer is too long"), "{refused}");
}
