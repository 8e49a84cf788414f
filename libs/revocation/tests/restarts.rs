//! Denials over a real database.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use db::{Db, Schema};
use events::{Event, Session, SigningKey, examples};
use token::{
    Claims, DEFAULT_AUDIENCE, DEFAULT_ISSUER, DenyList, Jwks, SigningKey as PrivateKey, Verifier, VerifyError,
};
use values::{Clock, SessionId, Timestamp, UserId};

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

const SCHEMA: Schema = Schema {
    service: "test",
    migrations: &[revocation::SCHEMA_V1],
};

struct Store {
    db: Db,
    _folder: tempfile::TempDir,
}

impl Store {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            db: Db::open(&folder.path().join("test.db"), &SCHEMA).unwrap(),
            _folder: folder,
        }
    }

    async fn record(&self, now: Timestamp, event: Event) {
        let denial = revocation::denial(&event).unwrap();
        let stored = self.db.write(move |tx| revocation::store(tx, now, &denial));
        stored.await.unwrap();
    }

    /// Returns the list as a service has it after a start.
    async fn load(&self, now: Timestamp) -> DenyList {
        self.db
            .read_internal(move |conn| revocation::load(conn, now))
            .await
            .unwrap()
    }

    async fn rows(&self) -> i64 {
        let count = |conn: &rusqlite::Connection| -> Result<_, db::Error> {
            Ok(conn.query_row("SELECT count(*) FROM denied_tokens", (), |row| row.get(0))?)
        };
        self.db.read(count).await.unwrap()
    }
}

/// Whether a token of the session, signed with the key, is refused.
async fn refusal(list: &DenyList, key: &PrivateKey, session: SessionId) -> Option<VerifyError> {
    let claims = Claims::new(DEFAULT_ISSUER, DEFAULT_AUDIENCE, UserId::new(NOW), session, "1", NOW);
    let jwks = Jwks {
        keys: vec![key.public().clone()],
    };
    let verifier = Verifier::with_fixed_keys(&jwks, DEFAULT_ISSUER, DEFAULT_AUDIENCE, Clock::manual(NOW));
    verifier
        .with_deny_list(list.clone())
        .verify(&key.sign(&claims).unwrap())
        .await
        .err()
}

#[tokio::test]
async fn what_was_denied_is_denied_after_a_restart() {
    let (store, key) = (Store::new(), PrivateKey::from_seed(&[1; 32]).unwrap());
    let (ended, open) = (SessionId::new(NOW), SessionId::new(NOW));
    let event = Event::SessionEnded(Session {
        id: ended,
        ..examples::session(NOW)
    });
    // Events are delivered more than once.
    store.record(NOW, event.clone()).await;
    store.record(NOW, event).await;
    let list = store.load(NOW + Duration::from_mins(15)).await;
    assert!(matches!(
        refusal(&list, &key, ended).await,
        Some(VerifyError::SessionOver)
    ));
    assert!(refusal(&list, &key, open).await.is_none());

    let revoked = SigningKey {
        kid: key.kid().to_owned(),
        ..examples::signing_key(NOW)
    };
    store.record(NOW, Event::SigningKeyRevoked(revoked)).await;
    let list = store.load(NOW).await;
    assert!(matches!(
        refusal(&list, &key, open).await,
        Some(VerifyError::Invalid(_))
    ));
    let other = PrivateKey::from_seed(&[2; 32]).unwrap();
    assert!(refusal(&list, &other, open).await.is_none());
}

#[tokio::test]
async fn the_table_holds_what_can_still_be_used() {
    let store = Store::new();
    for number in 0..500 {
        let now = NOW + Duration::from_mins(number);
        store.record(now, Event::SessionEnded(examples::session(now))).await;
    }
    assert_eq!(
        store.rows().await,
        75,
        "a quarter of an hour, and the margin of an hour"
    );
    let late = NOW + Duration::from_hours(24);
    let ended = examples::session(late);
    store.record(late, Event::SessionEnded(ended)).await;
    assert_eq!(store.rows().await, 1);
}

#[test]
fn other_events_deny_nothing() {
    for event in examples::events() {
        let is_about_tokens = matches!(event, Event::SessionEnded(_) | Event::SigningKeyRevoked(_));
        assert_eq!(
            revocation::denial(&event).is_some(),
            is_about_tokens,
            "{}",
            event.name()
        );
    }
}
