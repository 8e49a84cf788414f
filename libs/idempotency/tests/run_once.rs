//! The same request, again: over a real database.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use db::{Db, Schema, Tx};
use idempotency::{IdempotentRequest, StoredResponse, delete_unless_created_at, run_once};
use poem::{IntoResponse, Response};
use problem::Problem;
use values::Timestamp;

const SCHEMA: Schema = Schema {
    service: "test",
    migrations: &[
        idempotency::SCHEMA_V1,
        "CREATE TABLE effect (id INTEGER PRIMARY KEY) STRICT;",
        idempotency::SCHEMA_V2,
        idempotency::SCHEMA_V3,
    ],
};

/// The schema of an earlier release, with the first `version` migrations.
fn schema_of(version: usize) -> Schema {
    Schema {
        migrations: &SCHEMA.migrations[..version],
        ..SCHEMA
    }
}

fn noon() -> Timestamp {
    "2027-06-01T12:00:00Z".parse().unwrap()
}

fn request(client: &str, key: Option<&str>, body: &str) -> IdempotentRequest {
    IdempotentRequest::new("placeOrder", client, key.map(|key| key.parse().unwrap()), &body)
}

struct World {
    db: Db,
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            db: open(folder.path()),
            folder,
        }
    }

    async fn ask(&self, request: IdempotentRequest, outcome: Result<&'static str, Problem>) -> Result<String, Problem> {
        let answer = self.db.write(move |tx| -> Result<StoredResponse<Response>, Problem> {
            run_once(tx, noon(), &request, |tx: &Tx| {
                tx.execute("INSERT INTO effect DEFAULT VALUES", ())
                    .map_err(db::Error::from)?;
                outcome.map(|text| Response::builder().header("location", "/here").body(text))
            })
        });
        let response = answer.await?.into_response();
        let (status, location) = (
            response.status(),
            response.header("location").unwrap_or_default().to_owned(),
        );
        let body = response.into_body().into_string().await.unwrap();
        Ok(format!("{} {location} {body}", status.as_u16()))
    }

    /// Returns the keys with a stored response, the oldest first.
    async fn stored_keys(&self) -> Vec<String> {
        let keys = |conn: &rusqlite::Connection| -> Result<_, db::Error> {
            let mut keys = conn.prepare("SELECT key FROM idempotency ORDER BY client = 'anna', number")?;
            Ok(keys.query_map((), |row| row.get(0))?.collect::<Result<_, _>>()?)
        };
        self.db.read(keys).await.unwrap()
    }

    async fn effects(&self) -> i64 {
        let count = |conn: &rusqlite::Connection| -> Result<_, db::Error> {
            Ok(conn.query_row("SELECT count(*) FROM effect", (), |row| row.get(0))?)
        };
        self.db.read(count).await.unwrap()
    }
}

fn open(folder: &std::path::Path) -> Db {
    Db::open(&folder.join("test.db"), &SCHEMA).unwrap()
}

#[tokio::test]
async fn a_repeated_request_runs_once_and_gets_the_stored_response() {
    let world = World::new();
    for _ in 0..3 {
        let answer = world.ask(request("anna", Some("k"), "two"), Ok("held")).await.unwrap();
        assert_eq!(answer, "200 /here held");
    }
    assert_eq!(world.effects().await, 1);
    world.db.close().await;
    let world = World {
        db: open(world.folder.path()),
        ..world
    };
    let answer = world
        .ask(request("anna", Some("k"), "two"), Ok("something else"))
        .await
        .unwrap();
    assert_eq!(answer, "200 /here held", "also after a restart");
    assert_eq!(world.effects().await, 1);
}

#[tokio::test]
async fn a_request_without_a_key_or_of_another_client_is_a_new_one() {
    let world = World::new();
    for (client, key) in [("anna", None), ("anna", None), ("anna", Some("k")), ("bert", Some("k"))] {
        world.ask(request(client, key, "two"), Ok("held")).await.unwrap();
    }
    assert_eq!(world.effects().await, 4);
}

#[tokio::test]
async fn a_key_belongs_to_one_body() {
    let world = World::new();
    world.ask(request("anna", Some("k"), "two"), Ok("held")).await.unwrap();
    let refused = world
        .ask(request("anna", Some("k"), "three"), Ok("held"))
        .await
        .unwrap_err();
    assert_eq!(refused.status(), 422);
    assert_eq!(world.effects().await, 1);
}

#[tokio::test]
async fn a_refusal_is_not_stored_and_its_effects_are_rolled_back() {
    let world = World::new();
    let sold_out = || Problem::conflict("sold-out", "Not enough tickets are left");
    for number in 0..10 {
        let key = format!("random {number}").replace(' ', "-");
        let refused = world.ask(request("anna", Some(&key), "two"), Err(sold_out())).await;
        assert_eq!(refused.unwrap_err().status(), 409);
    }
    assert_eq!((world.effects().await, world.stored_keys().await), (0, Vec::new()));
    let request = || request("anna", Some("random-0"), "two");
    let placed = world.ask(request(), Ok("held")).await.unwrap();
    assert_eq!(placed, "200 /here held", "the tickets are available by now");
    let again = world.ask(request(), Err(sold_out())).await.unwrap();
    assert_eq!(again, placed);
}

#[tokio::test]
async fn the_newest_thousand_responses_of_a_client_are_stored() {
    let world = World::new();
    world.ask(request("bert", Some("k"), "two"), Ok("held")).await.unwrap();
    for number in 0..1005 {
        let key = number.to_string();
        world.ask(request("anna", Some(&key), "two"), Ok("held")).await.unwrap();
    }
    let mut stored = world.stored_keys().await;
    assert_eq!(stored.remove(0), "k");
    assert_eq!(stored, (5..1005).map(|number| number.to_string()).collect::<Vec<_>>());
    let answer = world.ask(request("anna", Some("5"), "two"), Ok("again")).await.unwrap();
    assert_eq!(answer, "200 /here held");
}

#[tokio::test]
async fn a_request_whose_effect_was_undone_is_decided_again() {
    let world = World::new();
    let held = || request("anna", Some("k"), "two");
    world.ask(held(), Ok("held")).await.unwrap();
    let delete = async |request: IdempotentRequest, created_at| {
        let delete = move |tx: &Tx| delete_unless_created_at(tx, &request, created_at);
        world.db.write(delete).await.unwrap();
    };
    delete(held(), Some(noon())).await;
    delete(request("anna", Some("k"), "three"), None).await;
    assert_eq!(
        world.stored_keys().await,
        ["k"],
        "neither the present effect nor another request"
    );
    delete(held(), None).await;
    assert_eq!(world.ask(held(), Ok("new")).await.unwrap(), "200 /here new");
}

#[tokio::test]
async fn responses_of_an_older_release_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    let before = Db::open(&path, &schema_of(2)).unwrap();
    let stored = before.write(|tx| -> Result<_, db::Error> {
        Ok(tx.execute(
            "INSERT INTO idempotency VALUES ('placeOrder', 'anna', 'k', ?1, 200, '[[\"location\",\"/here\"]]', CAST('held' AS BLOB), 1)",
            [request("anna", Some("k"), "two").fingerprint()],
        )?)
    });
    assert_eq!(stored.await.unwrap(), 1);
    before.close().await;
    let world = World {
        db: open(folder.path()),
        folder,
    };
    for (key, expected) in [("k", "200 /here held"), ("l", "200 /here new"), ("k", "200 /here held")] {
        let answer = world.ask(request("anna", Some(key), "two"), Ok("new")).await.unwrap();
        assert_eq!(answer, expected);
    }
}

#[tokio::test]
async fn the_previous_release_repeats_and_stores_responses_of_a_migrated_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    let ask = async |schema: &Schema, key, expected| {
        let world = World {
            db: Db::open(&path, schema).unwrap(),
            folder: tempfile::tempdir().unwrap(),
        };
        let answer = world.ask(request("anna", Some(key), "two"), Ok("new")).await.unwrap();
        assert_eq!(answer, expected, "{key}");
        world.db.close().await;
    };
    let (previous, current) = (schema_of(3), SCHEMA);
    ask(&previous, "before", "200 /here new").await;
    ask(&current, "before", "200 /here new").await;
    ask(&current, "after", "200 /here new").await;
    ask(&previous, "after", "200 /here new").await;
    ask(&previous, "returned", "200 /here new").await;
    ask(&current, "returned", "200 /here new").await;
    let world = World {
        db: Db::open(&path, &current).unwrap(),
        folder,
    };
    assert_eq!(world.effects().await, 3);
}

#[tokio::test]
async fn a_resource_that_is_not_found_may_be_found_next_time() {
    let world = World::new();
    let missing = world
        .ask(request("anna", Some("k"), "two"), Err(Problem::not_found("not yet")))
        .await
        .unwrap_err();
    assert_eq!(missing.status(), 404);
    assert_eq!(
        world.ask(request("anna", Some("k"), "two"), Ok("held")).await.unwrap(),
        "200 /here held"
    );
}

#[tokio::test]
async fn a_request_that_failed_with_a_server_error_can_be_repeated() {
    let world = World::new();
    let failed = Problem::too_many_requests("later", Duration::from_secs(1));
    let internal = Problem::internal(&failed);
    let first = world
        .ask(request("anna", Some("k"), "two"), Err(internal))
        .await
        .unwrap_err();
    assert_eq!(first.status(), 500);
    assert_eq!(world.effects().await, 0);
    assert_eq!(
        world.ask(request("anna", Some("k"), "two"), Ok("held")).await.unwrap(),
        "200 /here held"
    );
}
