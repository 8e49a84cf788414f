//! The keys in the database are encrypted.

use auth::{Auth, Command, EncryptionKeyFlag, KeysCommand, Settings};
use chassis::{SecretArg, Service};
use db::{Db, Schema};
use rusqlite::Connection;
use testkit::{TestEnv, eventually};
use values::Clock;

use crate::test_app::{PASSWORD, Session, TestApp};

/// The migrations of the release before the keys were encrypted.
const BEFORE: Schema = Schema {
    service: Auth::NAME,
    migrations: Auth::SCHEMA.migrations.split_at(5).0,
};

fn key(digit: char) -> SecretArg<EncryptionKeyFlag> {
    digit.to_string().repeat(64).parse().unwrap()
}

fn with_key(text: &str) -> Settings {
    Settings {
        encryption_key: Some(text.parse().unwrap()),
        ..Settings::default()
    }
}

const fn revoke(lost_encryption_key: bool) -> KeysCommand {
    KeysCommand::Revoke { lost_encryption_key }
}

async fn keys_command(env: &TestEnv, key_digit: Option<char>, what: KeysCommand) -> Result<String, String> {
    let db = Db::open(&env.database::<Auth>(), &Auth::SCHEMA).unwrap();
    let encryption_key = key_digit.map(key);
    let command = Command::Keys { encryption_key, what };
    let outcome = Auth::command(command, db.clone(), Clock::system()).await;
    db.close().await;
    outcome.map_err(|error| error.to_string())
}

fn start_error(env: &TestEnv) -> impl Future<Output = String> {
    let started = chassis::start::<Auth>(
        env.database::<Auth>(),
        env.common(),
        Settings::default(),
        Clock::system(),
    );
    async { started.await.unwrap_err().to_string() }
}

#[tokio::test]
async fn keys_of_an_earlier_release_are_encrypted_at_the_start_and_their_tokens_stay_valid() {
    let env = TestEnv::new().await;
    let path = env.database::<Auth>();
    Db::open(&path, &BEFORE).unwrap().close().await;
    let (signing, refresh) = ([0x51; 32], [0x52; 32]);
    {
        let conn = Connection::open(&path).unwrap();
        let kid = token::SigningKey::from_seed(&signing).unwrap().kid().to_owned();
        conn.execute("INSERT INTO signing_keys VALUES (?, ?, 1, NULL)", (&kid, signing))
            .unwrap();
        conn.execute("INSERT INTO refresh_key VALUES (1, ?)", [refresh])
            .unwrap();
    }
    let app = TestApp::restart(env).await;
    let ada = app.sign_up("ada@example.com").await;
    let jwks = app.client().get("/api/v1/auth/jwks.json").await.text;
    assert!(
        jwks.contains(token::SigningKey::from_seed(&signing).unwrap().kid()),
        "{jwks}"
    );
    let env = app.stop().await;
    let stored = eventually("the checkpoint of the write-ahead log", || {
        let read = std::fs::read(&path).unwrap();
        async move {
            String::from_utf8_lossy(&read)
                .contains("ada@example.com")
                .then_some(read)
        }
    })
    .await;
    for seed in [signing, refresh] {
        assert!(!stored.windows(32).any(|window| window == seed), "a seed is stored");
    }
    let app = TestApp::restart(env).await;
    app.current_user(&ada.access_token).await.expect(200).json();
    app.refresh(&ada.refresh_token).await.expect(200).json();
    app.stop().await;
}

#[tokio::test]
async fn a_copy_of_the_database_alone_signs_nothing() {
    let app = TestApp::new().await;
    let ada = app.sign_up("ada@example.com").await;
    let env = app.stop().await;
    let key_file = env.database::<Auth>().with_extension("key");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&key_file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let kept = std::fs::read(&key_file).unwrap();
    std::fs::remove_file(&key_file).unwrap();
    let error = start_error(&env).await;
    assert!(error.contains("auth.key is missing"), "{error}");
    assert!(!key_file.exists(), "no other key is created");
    std::fs::write(&key_file, "1".repeat(64)).unwrap();
    let error = start_error(&env).await;
    assert!(error.contains("encrypted with another key"), "{error}");

    std::fs::write(&key_file, kept).unwrap();
    let app = TestApp::restart(env).await;
    app.current_user(&ada.access_token).await.expect(200).json();
    app.stop().await;
}

#[tokio::test]
async fn the_encryption_key_is_replaced_with_a_restart_and_a_lost_one_by_revoking_the_keys() {
    let app = TestApp::with_settings(with_key(&"1".repeat(64))).await;
    let ada = app.sign_up("ada@example.com").await;
    let env = app.stop().await;
    let both = format!("{} {}", "2".repeat(64), "1".repeat(64));
    for text in [&both, &"2".repeat(64)] {
        let service = env.start::<Auth>(with_key(text)).await;
        let client = service.client().bearer(&ada.access_token);
        client.get("/api/v1/auth/users/current").await.expect(200).json();
        service.stop().await;
    }
    // Both keys are lost.
    keys_command(&env, Some('3'), revoke(true)).await.unwrap();
    let service = env.start::<Auth>(with_key(&"3".repeat(64))).await;
    let credentials = crate::test_app::credentials("ada@example.com", PASSWORD);
    let reply = service.client().post("/api/v1/auth/signin", credentials).await;
    let renewed = Session::from_reply(&reply.expect(200));
    let client = service.client().bearer(&renewed.access_token);
    client.get("/api/v1/auth/users/current").await.expect(200).json();
    service.stop().await;
}

#[tokio::test]
async fn keys_are_neither_rotated_nor_revoked_with_another_encryption_key_than_the_services() {
    let app = TestApp::with_settings(with_key(&"1".repeat(64))).await;
    let ada = app.sign_up("ada@example.com").await;
    let path = app.env.database::<Auth>();
    let listed = keys_command(&app.env, None, KeysCommand::List).await.unwrap();
    let refused = async |key_digit, what| keys_command(&app.env, key_digit, what).await.unwrap_err();
    for what in [KeysCommand::Rotate, revoke(false)] {
        let error = refused(Some('2'), what).await;
        assert!(
            error.contains("no key was r") && error.contains("encrypted with another key"),
            "{error}"
        );
        let error = refused(None, what).await;
        assert!(error.contains("auth.key is missing"), "{error}");
        assert!(!path.with_extension("key").exists(), "no other key is created");
        // Left over from before the service had its own.
        std::fs::write(path.with_extension("key"), "3".repeat(64)).unwrap();
        let error = refused(None, what).await;
        assert!(error.contains("encrypted with another key"), "{error}");
        std::fs::remove_file(path.with_extension("key")).unwrap();
    }
    std::fs::write(path.with_extension("key"), "3".repeat(64)).unwrap();
    let error = refused(None, revoke(true)).await;
    assert!(error.contains("the new encryption key is missing"), "{error}");
    assert_eq!(keys_command(&app.env, None, KeysCommand::List).await.unwrap(), listed);
    let env = app.stop().await;

    let service = env.start::<Auth>(with_key(&"1".repeat(64))).await;
    let client = service.client().bearer(&ada.access_token);
    client.get("/api/v1/auth/users/current").await.expect(200).json();
    service.stop().await;
}

#[tokio::test]
async fn a_new_key_is_encrypted_with_the_key_that_the_service_has() {
    let app = TestApp::with_settings(with_key(&"1".repeat(64))).await;
    app.sign_up("ada@example.com").await;
    let env = app.stop().await;
    // The operator has the next encryption key already, the service does not.
    let both = format!("{} {}", "2".repeat(64), "1".repeat(64));
    for what in [KeysCommand::Rotate, revoke(false)] {
        let db = Db::open(&env.database::<Auth>(), &Auth::SCHEMA).unwrap();
        let encryption_key = Some(both.parse().unwrap());
        let command = Command::Keys { encryption_key, what };
        Auth::command(command, db.clone(), Clock::system()).await.unwrap();
        db.close().await;
        env.start::<Auth>(with_key(&"1".repeat(64))).await.stop().await;
    }
}
