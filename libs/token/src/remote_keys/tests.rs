use std::sync::atomic::{AtomicUsize, Ordering};

use poem::{
    Endpoint, IntoResponse, Response, Server, endpoint,
    http::StatusCode,
    listener::{Acceptor, Listener, TcpListener},
};
use tempfile::TempDir;
use test_certificates::{TestCa, TlsProxy};
use tls::TlsFiles;
use tokio::task::JoinSet;
use values::Clock;

use super::*;
use crate::{
    DEFAULT_AUDIENCE, DEFAULT_ISSUER, SigningKey, Verifier, VerifyError,
    test_support::{NOW, claims, jwks, key},
};

/// Fetches are not limited.
const UNLIMITED: FetchPolicy = FetchPolicy {
    refresh_after: Duration::from_hours(1),
    min_interval: Duration::ZERO,
    min_interval_without_keys: Duration::ZERO,
};
/// The keys are fetched once, and not again while the test runs.
const ONCE: FetchPolicy = FetchPolicy {
    refresh_after: Duration::from_hours(1),
    min_interval: Duration::from_hours(1),
    min_interval_without_keys: Duration::from_hours(1),
};

/// A fake auth service that publishes keys.
struct FakeAuth {
    url: Url,
    response: Arc<Mutex<(StatusCode, String)>>,
    requests: Arc<AtomicUsize>,
    /// The folder of the key file of a service.
    folder: TempDir,
    _server: JoinSet<()>,
}

impl FakeAuth {
    async fn start(keys: &[&SigningKey]) -> Self {
        let response = Arc::new(Mutex::new((StatusCode::OK, String::new())));
        let requests = Arc::new(AtomicUsize::new(0));
        let endpoint = endpoint::make_sync({
            let (response, requests) = (Arc::clone(&response), Arc::clone(&requests));
            move |_| {
                requests.fetch_add(1, Ordering::SeqCst);
                let (status, body) = response.lock().unwrap().clone();
                Response::builder().status(status).body(body)
            }
        });
        let (url, server) = serve(endpoint).await;
        let auth = Self {
            url,
            response,
            requests,
            folder: tempfile::tempdir().unwrap(),
            _server: server,
        };
        auth.publish(keys);
        auth
    }

    fn publish(&self, keys: &[&SigningKey]) {
        self.respond(StatusCode::OK, &serde_json::to_string(&jwks(keys)).unwrap());
    }

    fn respond(&self, status: StatusCode, body: &str) {
        *self.response.lock().unwrap() = (status, body.to_owned());
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    fn verifier(&self, policy: FetchPolicy) -> Verifier {
        verifier(&self.url, policy, &self.folder)
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

fn verifier(url: &Url, policy: FetchPolicy, folder: &TempDir) -> Verifier {
    let url = url.clone();
    let keys = RemoteKeys::with_policy(move || Ok(url.clone()), policy, folder.path().join("jwks.json"), None);
    Verifier::with_keys(keys, DEFAULT_ISSUER, DEFAULT_AUDIENCE, Clock::manual(NOW))
}

fn token(key: &SigningKey) -> String {
    key.sign(&claims()).unwrap()
}

#[tokio::test]
async fn the_keys_are_fetched_once_for_many_tokens() {
    let key = key(1);
    let auth = FakeAuth::start(&[&key]).await;
    let verifier = auth.verifier(UNLIMITED);
    for _ in 0..10 {
        verifier.verify(&token(&key)).await.unwrap();
    }
    assert_eq!(auth.requests(), 1);
}

#[tokio::test]
async fn the_keys_are_fetched_from_the_current_address_of_auth() {
    let (old, new) = (key(1), key(2));
    let (before, after) = (FakeAuth::start(&[&old]).await, FakeAuth::start(&[&old, &new]).await);
    let at = Arc::new(Mutex::new(Err("not resolved yet".to_owned())));
    let address = Arc::clone(&at);
    let keys = RemoteKeys::with_policy(
        move || address.lock().unwrap().clone(),
        UNLIMITED,
        before.folder.path().join("jwks.json"),
        None,
    );
    let verifier = Verifier::with_keys(keys, DEFAULT_ISSUER, DEFAULT_AUDIENCE, Clock::manual(NOW));
    let refused = verifier.verify(&token(&old)).await.unwrap_err();
    assert!(refused.to_string().contains("not resolved yet"), "{refused}");
    *at.lock().unwrap() = Ok(before.url.clone());
    verifier.verify(&token(&old)).await.unwrap();
    *at.lock().unwrap() = Ok(after.url.clone());
    verifier.verify(&token(&new)).await.unwrap();
    assert_eq!((before.requests(), after.requests()), (1, 1));
}

#[tokio::test]
async fn a_rotated_key_is_fetched_with_its_first_token_and_the_old_one_stays_valid() {
    let (old, new) = (key(1), key(2));
    let auth = FakeAuth::start(&[&old]).await;
    let verifier = auth.verifier(UNLIMITED);
    verifier.verify(&token(&old)).await.unwrap();
    auth.publish(&[&new, &old]);
    verifier.verify(&token(&new)).await.unwrap();
    verifier.verify(&token(&old)).await.unwrap();
    assert_eq!(auth.requests(), 2);

    auth.publish(&[&new]);
    verifier.verify(&token(&key(3))).await.unwrap_err();
    let withdrawn = verifier.verify(&token(&old)).await;
    assert!(matches!(withdrawn, Err(VerifyError::Invalid(_))), "{withdrawn:?}");
}

#[tokio::test]
async fn a_flood_of_unknown_keys_does_not_reach_auth() {
    let known = key(1);
    let auth = FakeAuth::start(&[&known]).await;
    let verifier = auth.verifier(ONCE);
    verifier.verify(&token(&known)).await.unwrap();
    let mut flood = JoinSet::new();
    for seed in 2..=60 {
        let (verifier, token) = (verifier.clone(), token(&key(seed)));
        flood.spawn(async move { verifier.verify(&token).await });
    }
    for verified in flood.join_all().await {
        assert!(matches!(verified, Err(VerifyError::Invalid(_))), "{verified:?}");
    }
    assert_eq!(auth.requests(), 1);
}

#[tokio::test]
async fn concurrent_requests_share_one_fetch() {
    let key = key(1);
    let auth = FakeAuth::start(&[&key]).await;
    let verifier = auth.verifier(ONCE);
    let mut crowd = JoinSet::new();
    for _ in 0..50 {
        let (verifier, token) = (verifier.clone(), token(&key));
        crowd.spawn(async move { verifier.verify(&token).await });
    }
    assert!(crowd.join_all().await.iter().all(Result::is_ok));
    assert_eq!(auth.requests(), 1);
}

#[tokio::test]
async fn users_stay_signed_in_while_auth_is_down() {
    let key = key(1);
    let auth = FakeAuth::start(&[&key]).await;
    let verifier = auth.verifier(FetchPolicy {
        refresh_after: Duration::ZERO,
        ..UNLIMITED
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
        auth.respond(status, body);
        let before = auth.requests();
        // An unknown key causes a fetch, whose result the request waits for.
        verifier.verify(&token(&self::key(9))).await.unwrap_err();
        assert!(auth.requests() > before);
        verifier.verify(&token(&key)).await.unwrap();
    }
}

#[tokio::test]
async fn a_request_before_the_keys_are_fetched_is_answered_503() {
    let key = key(1);
    let auth = FakeAuth::start(&[&key]).await;
    auth.respond(StatusCode::SERVICE_UNAVAILABLE, "");
    let verifier = auth.verifier(UNLIMITED);
    let refused = verifier.verify(&token(&key)).await.unwrap_err();
    assert!(matches!(refused, VerifyError::KeysUnavailable { .. }), "{refused}");
    assert_eq!(problem::Problem::from(refused).status(), 503);

    auth.publish(&[&key]);
    verifier.verify(&token(&key)).await.unwrap();
}

#[tokio::test]
async fn a_service_that_starts_while_auth_is_down_uses_the_stored_keys() {
    let (old, new) = (key(1), key(2));
    let auth = FakeAuth::start(&[&old]).await;
    auth.verifier(UNLIMITED).verify(&token(&old)).await.unwrap();

    auth.respond(StatusCode::BAD_GATEWAY, "");
    let verifier = auth.verifier(UNLIMITED);
    verifier.verify(&token(&old)).await.unwrap();
    verifier.verify(&token(&new)).await.unwrap_err();

    auth.publish(&[&new]);
    verifier.verify(&token(&new)).await.unwrap();
    verifier.verify(&token(&old)).await.unwrap_err();
    auth.respond(StatusCode::BAD_GATEWAY, "");
    let verifier = auth.verifier(UNLIMITED);
    verifier.verify(&token(&new)).await.unwrap();
    verifier.verify(&token(&old)).await.unwrap_err();
}

#[tokio::test]
async fn a_damaged_key_file_is_ignored() {
    let key = key(1);
    let auth = FakeAuth::start(&[&key]).await;
    for damage in ["", "half a docu", r#"{"keys":[]}"#] {
        std::fs::write(auth.folder.path().join("jwks.json"), damage).unwrap();
        auth.verifier(UNLIMITED).verify(&token(&key)).await.unwrap();
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let key = key(1);
    let elsewhere = FakeAuth::start(&[&key]).await;
    let to = elsewhere.url.to_string();
    let (url, _server) = serve(endpoint::make_sync(move |_| {
        Response::builder()
            .status(StatusCode::FOUND)
            .header("location", &to)
            .finish()
    }))
    .await;
    let folder = tempfile::tempdir().unwrap();
    let refused = verifier(&url, UNLIMITED, &folder)
        .verify(&token(&key))
        .await
        .unwrap_err();
    assert!(matches!(refused, VerifyError::KeysUnavailable { .. }), "{refused}");
    assert_eq!(elsewhere.requests(), 0);
}

#[tokio::test]
async fn a_key_document_that_is_too_long_is_refused() {
    let (url, _server) = serve(endpoint::make_sync(|_| "x".repeat(2 * LIMITS.bytes))).await;
    let folder = tempfile::tempdir().unwrap();
    let refused = verifier(&url, UNLIMITED, &folder)
        .verify(&token(&key(1)))
        .await
        .unwrap_err();
    assert!(refused.to_string().ends_with("its answer is too long"), "{refused}");
}

#[tokio::test]
async fn keys_are_fetched_over_tls_from_a_server_that_proves_its_name() {
    let key = key(1);
    let auth = FakeAuth::start(&[&key]).await;
    let folder = auth.folder.path();
    let (ca, other_ca) = (TestCa::new(folder, "ca"), TestCa::new(folder, "other-ca"));
    let address = auth.url.socket_addrs(|| None).unwrap()[0];
    let encrypted = TlsProxy::start(&ca.issue("auth", &["localhost"]), address).await;
    let verify = async |host: &str, port: u16, ca: Option<&TestCa>| {
        let url: Url = format!("https://{host}:{port}/api/v1/auth/jwks.json").parse().unwrap();
        let tls = ca.map(|ca| {
            ClientTls::load(&TlsFiles {
                ca: Some(ca.file.clone()),
                ..TlsFiles::default()
            })
            .unwrap()
        });
        let file = tempfile::tempdir().unwrap();
        let keys = RemoteKeys::with_policy(
            move || Ok(url.clone()),
            UNLIMITED,
            file.path().join("jwks.json"),
            tls.as_ref(),
        );
        let verifier = Verifier::with_keys(keys, DEFAULT_ISSUER, DEFAULT_AUDIENCE, Clock::manual(NOW));
        verifier
            .verify(&token(&key))
            .await
            .map(drop)
            .map_err(|error| error.to_string())
    };
    let port = encrypted.addr.port();
    verify("localhost", port, Some(&ca)).await.unwrap();
    assert_eq!(auth.requests(), 1);
    for (host, port, ca, reason) in [
        (
            "localhost",
            port,
            Some(&other_ca),
            "its certificate is not signed by a trusted CA",
        ),
        (
            "127.0.0.1",
            port,
            Some(&ca),
            "its certificate is not for 127.0.0.1 but for DnsName(\"localhost\")",
        ),
        (
            "localhost",
            address.port(),
            Some(&ca),
            "it does not speak TLS on this port",
        ),
        ("localhost", port, None, "TLS is not configured"),
    ] {
        let refused = verify(host, port, ca).await.unwrap_err();
        assert!(refused.ends_with(reason), "{refused}");
    }
    assert_eq!(auth.requests(), 1);
}
