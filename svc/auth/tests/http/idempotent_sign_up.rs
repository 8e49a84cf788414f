use auth::{Auth, Command, KeysCommand};
use chassis::Service;
use db::Db;
use testkit::{Reply, RunningService, TestEnv, eventually};
use values::Clock;

use crate::person::{CURRENT, Given, JWKS, PASSWORD, SIGN_IN, SIGN_UP, credentials, refresh, start};

const KEY: &str = "5f0c7a52-4f2e-4d5a-9a53-2f6f5f6f3f3a";

async fn by_key(auth: &RunningService, key: &str, email: &str, password: &str) -> Reply {
    auth.client()
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
async fn a_repeated_sign_up_gets_the_same_answer_also_after_a_restart_and_a_rotation() {
    let kit = TestEnv::new().await;
    let auth = start(&kit).await;
    let first = by_key(&auth, KEY, "ada@example.com", PASSWORD).await.expect(201);
    let again = by_key(&auth, KEY, "ada@example.com", PASSWORD).await.expect(201);
    assert_eq!((&again.text, cookies(&again)), (&first.text, cookies(&first)));
    auth.stop().await;

    let db = Db::open(&kit.database::<Auth>(), &Auth::SCHEMA).unwrap();
    let rotated = Auth::command(
        Command::Keys {
            what: KeysCommand::Rotate,
        },
        db.clone(),
        Clock::system(),
    )
    .await;
    rotated.unwrap();
    db.close().await;

    let auth = start(&kit).await;
    let again = by_key(&auth, KEY, "ada@example.com", PASSWORD).await.expect(201);
    assert_eq!((&again.text, cookies(&again)), (&first.text, cookies(&first)));
    auth.client()
        .bearer(&Given::of(&again).access)
        .get(CURRENT)
        .await
        .expect(200)
        .json();
    assert_eq!(
        auth.client().get(JWKS).await.json()["keys"].as_array().unwrap().len(),
        2
    );
    auth.stop().await;
}

#[tokio::test]
async fn a_key_stands_for_one_address_and_one_password() {
    let kit = TestEnv::new().await;
    let auth = start(&kit).await;
    by_key(&auth, KEY, "ada@example.com", PASSWORD).await.expect(201).json();
    for (email, password) in [
        ("bob@example.com", PASSWORD),
        ("ADA@example.com", PASSWORD),
        ("ada@example.com", "another password"),
    ] {
        let reply = by_key(&auth, KEY, email, password).await.expect(422);
        assert_eq!(reply.problem().0, "idempotency-key-reused", "{email}");
    }
    auth.client()
        .post(SIGN_IN, credentials("bob@example.com", PASSWORD))
        .await
        .expect(401)
        .problem();
    by_key(&auth, "another-key", "ada@example.com", PASSWORD)
        .await
        .expect(409)
        .problem();
    by_key(&auth, "not visible", "bob@example.com", PASSWORD)
        .await
        .expect(400)
        .problem();
    auth.stop().await;
}

#[tokio::test]
async fn two_at_once_are_one() {
    let kit = TestEnv::new().await;
    let auth = start(&kit).await;
    let mut crowd = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let client = auth.client().with("idempotency-key", KEY);
        crowd.spawn(async move {
            client
                .post(SIGN_UP, credentials("ada@example.com", PASSWORD))
                .await
                .expect(201)
                .text
        });
    }
    let answers = crowd.join_all().await;
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
    auth.stop().await;
}

#[tokio::test]
async fn no_token_is_stored() {
    let kit = TestEnv::new().await;
    let auth = start(&kit).await;
    let mut given = Given::of(&by_key(&auth, KEY, "ada@example.com", PASSWORD).await.expect(201));
    let mut tokens = vec![PASSWORD.to_owned(), given.access, given.refresh.clone()];
    given = Given::of(&refresh(&auth.client(), &given.refresh).await.expect(200));
    tokens.extend([given.access, given.refresh]);
    auth.stop().await;

    let database = kit.database::<Auth>();
    let stored = eventually("the log is folded in", || {
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
