use auth::{Auth, Command, KeysCommand, Settings};
use chassis::Service;
use db::Db;
use testkit::{Reply, eventually};
use values::Clock;

use crate::test_app::{PASSWORD, SIGN_UP, Session, TestApp, credentials};

const KEY: &str = "5f0c7a52-4f2e-4d5a-9a53-2f6f5f6f3f3a";

async fn sign_up_with_key(app: &TestApp, key: &str, email: &str, password: &str) -> Reply {
    app.client()
        .with("idempotency-key", key)
        .post(SIGN_UP, credentials(email, password))
        .await
}

fn cookies(reply: &Reply) -> Vec<String> {
    reply
        .headers
        .get_all("set-cookie")
        .into_iter()
        .map(|line| line.to_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_repeated_sign_up_gets_the_same_response_also_after_a_restart_and_a_key_rotation() {
    let app = TestApp::new().await;
    let first = sign_up_with_key(&app, KEY, "ada@example.com", PASSWORD)
        .await
        .expect(201);
    let again = sign_up_with_key(&app, KEY, "ada@example.com", PASSWORD)
        .await
        .expect(201);
    assert_eq!((&again.text, cookies(&again)), (&first.text, cookies(&first)));
    let env = app.stop().await;

    let db = Db::open(&env.database::<Auth>(), &Auth::SCHEMA).unwrap();
    let rotated = Auth::command(
        Command::Keys {
            encryption_key: None,
            what: KeysCommand::Rotate,
        },
        db.clone(),
        Clock::system(),
    )
    .await;
    rotated.unwrap();
    db.close().await;

    let app = TestApp::restart(env).await;
    let again = sign_up_with_key(&app, KEY, "ada@example.com", PASSWORD)
        .await
        .expect(201);
    assert_eq!((&again.text, cookies(&again)), (&first.text, cookies(&first)));
    app.current_user(&Session::from_reply(&again).access_token)
        .await
        .expect(200)
        .json();
    assert_eq!(app.published_keys().await, 2);
    app.stop().await;
}

#[tokio::test]
async fn an_idempotency_key_belongs_to_one_address_and_one_password() {
    let app = TestApp::new().await;
    sign_up_with_key(&app, KEY, "ada@example.com", PASSWORD)
        .await
        .expect(201)
        .json();
    for (email, password) in [
        ("bob@example.com", PASSWORD),
        ("ADA@example.com", PASSWORD),
        ("ada@example.com", "another password"),
    ] {
        let reply = sign_up_with_key(&app, KEY, email, password).await.expect(422);
        assert_eq!(reply.problem().0, "idempotency-key-reused", "{email}");
    }
    app.sign_in("bob@example.com", PASSWORD).await.expect(401).problem();
    sign_up_with_key(&app, "another-key", "ada@example.com", PASSWORD)
        .await
        .expect(409)
        .problem();
    sign_up_with_key(&app, "not visible", "bob@example.com", PASSWORD)
        .await
        .expect(400)
        .problem();
    app.stop().await;
}

#[tokio::test]
async fn concurrent_sign_ups_with_one_key_get_one_response() {
    let app = TestApp::new().await;
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let client = app.client().with("idempotency-key", KEY);
        requests.spawn(async move {
            client
                .post(SIGN_UP, credentials("ada@example.com", PASSWORD))
                .await
                .expect(201)
                .text
        });
    }
    let responses = requests.join_all().await;
    assert!(
        responses.iter().all(|response| *response == responses[0]),
        "{responses:#?}"
    );
    app.stop().await;
}

#[tokio::test]
async fn a_repeated_sign_up_gets_its_response_although_its_network_is_blocked() {
    let settings = Settings {
        failures_per_address: 5,
        ..Settings::default()
    };
    let app = TestApp::with_settings(settings).await;
    let first = sign_up_with_key(&app, KEY, "ada@example.com", PASSWORD)
        .await
        .expect(201);
    for number in 0..5 {
        let email = format!("nobody{number}@example.com");
        app.sign_in(&email, "wrong").await.expect(401).problem();
    }
    app.sign_in("ada@example.com", PASSWORD).await.expect(429).problem();
    let again = sign_up_with_key(&app, KEY, "ada@example.com", PASSWORD)
        .await
        .expect(201);
    assert_eq!(again.text, first.text);
    sign_up_with_key(&app, "another", "bob@example.com", PASSWORD)
        .await
        .expect(429)
        .problem();
    app.stop().await;
}

#[tokio::test]
async fn no_token_is_stored() {
    let app = TestApp::new().await;
    let mut session = Session::from_reply(
        &sign_up_with_key(&app, KEY, "ada@example.com", PASSWORD)
            .await
            .expect(201),
    );
    let mut tokens = vec![PASSWORD.to_owned(), session.access_token, session.refresh_token.clone()];
    session = Session::from_reply(&app.refresh(&session.refresh_token).await.expect(200));
    tokens.extend([session.access_token, session.refresh_token]);
    let env = app.stop().await;

    let database = env.database::<Auth>();
    let stored = eventually("the checkpoint of the write-ahead log", || {
        let read = std::fs::read(&database).unwrap();
        async move {
            String::from_utf8_lossy(&read)
                .contains("ada@example.com")
                .then_some(read)
        }
    })
    .await;
    for token in tokens {
        let secret = token.rsplit('.').next().unwrap();
        assert!(
            !stored.windows(secret.len()).any(|window| window == secret.as_bytes()),
            "{token} is stored"
        );
    }
}
