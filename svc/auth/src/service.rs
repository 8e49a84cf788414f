use std::time::Duration;

use chassis::{Context, Job, OperatorError, Parts, Service};
use db::{Db, Schema, Tx, admin::Invariant};
use values::{Clock, Timestamp};

use crate::{
    api::Api,
    app::App,
    command::{self, Command},
    housekeeping::forget_old,
    keys::LiveKeys,
    settings::Settings,
};

/// How soon a rotation of the signing keys is noticed.
const LOOK_FOR_KEYS: Duration = Duration::from_secs(5);

/// How often what is long over is looked for.
const CLEAN_UP: Duration = Duration::from_mins(10);

/// The auth service.
#[derive(Debug)]
pub struct Auth;

impl Service for Auth {
    const NAME: &'static str = "auth";
    const ABOUT: &'static str = "Who people are: sign-up, sign-in, sessions, and the keys of access tokens.";
    const PORT: u16 = 4001;
    const SCHEMA: Schema = Schema {
        service: Self::NAME,
        migrations: &[bus::outbox::SCHEMA_V1, include_str!("../migrations/001_accounts.sql")],
    };
    const INVARIANTS: &'static [Invariant] = &[
        Invariant {
            name: "one key signs",
            sql: "SELECT count(*) AS keys, count(*) FILTER (WHERE retired_at IS NULL) AS signing FROM signing_keys
                  HAVING keys > 0 AND signing <> 1",
        },
        Invariant {
            name: "sessions were made with a key that is still there",
            sql: "SELECT count(*) AS sessions FROM sessions HAVING sessions > 0 AND NOT EXISTS (SELECT 1 FROM refresh_key)",
        },
        Invariant {
            name: "nobody has a session from before they signed up",
            sql: "SELECT s.id, s.started_at, u.created_at FROM sessions AS s JOIN users AS u ON u.id = s.user_id
                  WHERE s.started_at < u.created_at",
        },
        Invariant {
            name: "a sign-up that can be repeated can be signed again",
            sql: "SELECT session_id, kid FROM sign_up_keys WHERE kid NOT IN (SELECT kid FROM signing_keys)",
        },
    ];

    type Settings = Settings;
    type Command = Command;
    type Api = Api;
    type App = App;

    fn api() -> Api {
        Api
    }

    /// Nothing: nobody keeps a copy of what is owned here.
    fn republish(_: &Tx, _: Timestamp, _: Option<String>) -> Result<Option<String>, db::Error> {
        Ok(None)
    }

    async fn start(context: Context, settings: Settings) -> Result<Parts<App>, OperatorError> {
        let keys = LiveKeys::open(context.db.clone(), context.clock.clone())
            .await
            .map_err(OperatorError::new)?;
        let verifier = keys.verifier(&context.token_issuer, &context.token_audience);
        let app = App::new(&context, keys.clone(), settings);
        let jobs = vec![
            Job::every(LOOK_FOR_KEYS, "look for rotated keys", move || {
                look_for_keys(keys.clone())
            }),
            Job::every(CLEAN_UP, "forget what is long over", move || {
                clean_up(context.db.clone(), context.clock.clone())
            }),
        ];
        Ok(Parts {
            app,
            consumers: Vec::new(),
            jobs,
            verifier: Some(verifier),
        })
    }

    async fn command(command: Command, db: Db, clock: Clock) -> Result<String, OperatorError> {
        command::run(command, db, clock).await
    }
}

async fn look_for_keys(keys: LiveKeys) {
    if let Err(error) = keys.reload().await {
        tracing::warn!(%error, "the signing keys could not be read again; those read before stay");
    }
}

async fn clean_up(db: Db, clock: Clock) {
    loop {
        let now = clock.now();
        match db.write(move |tx| forget_old(tx, now)).await {
            Ok(0) => break,
            Ok(forgotten) => tracing::debug!(forgotten, "forgot what is long over"),
            Err(error) => {
                let error: db::Error = error;
                tracing::warn!(%error, "what is long over could not be forgotten");
                break;
            }
        }
    }
}
