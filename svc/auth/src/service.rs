use bus::ConsumeError;
use chassis::{Context, OperatorError, Service, ServiceParts};
use db::{Db, Schema, Tx, admin::Invariant};
use events::Envelope;
use rusqlite::Connection;
use values::{Clock, Timestamp};

use crate::{
    api::{Api, App},
    command::{self, Command},
    events::{SERVICE_NAME, newest_record_at, recover, republish},
    jobs::{purge_job, reload_keys_job},
    keys::{LiveKeys, encryption_keys},
    settings::Settings,
    store,
    use_cases::update_email_keys,
};

/// The auth service.
#[derive(Debug)]
pub struct Auth;

impl Service for Auth {
    const NAME: &'static str = SERVICE_NAME;
    const ABOUT: &'static str = "Accounts, sessions, and the keys of access tokens.";
    const PORT: u16 = 4001;
    const SCHEMA: Schema = Schema {
        service: Self::NAME,
        migrations: &[
            bus::outbox::SCHEMA_V1,
            include_str!("../migrations/001_accounts.sql"),
            include_str!("../migrations/002_sessions.sql"),
            revocation::SCHEMA_V1,
            include_str!("../migrations/003_email_keys.sql"),
            include_str!("../migrations/004_sealed_keys.sql"),
            audit::SCHEMA_V1,
            audit::SCHEMA_V2,
        ],
    };
    const INVARIANTS: &'static [Invariant] = store::INVARIANTS;

    type Settings = Settings;
    type Command = Command;
    type Api = Api;
    type App = App;

    fn api() -> Api {
        Api
    }

    fn republish(
        tx: &Tx,
        now: Timestamp,
        _: Option<Timestamp>,
        after: Option<String>,
    ) -> Result<Option<String>, db::Error> {
        republish(tx, now, after.as_deref())
    }

    fn recover(tx: &Tx, now: Timestamp, envelope: &Envelope) -> Result<bool, ConsumeError> {
        recover(tx, now, envelope)
    }

    fn newest_record_at(conn: &Connection) -> Result<Option<Timestamp>, db::Error> {
        newest_record_at(conn)
    }

    async fn start(context: Context, settings: Settings) -> Result<ServiceParts<App>, OperatorError> {
        while context.db.write(update_email_keys).await? > 0 {}
        let encryption = encryption_keys(&context.db, settings.encryption_keys())
            .await
            .map_err(OperatorError::new)?;
        let keys = LiveKeys::open(context.db.clone(), context.clock.clone(), encryption)
            .await
            .map_err(OperatorError::new)?;
        let verifier = keys.verifier(&context.token_issuer, &context.token_audience);
        let app = App::new(&context, keys.clone(), &settings);
        let jobs = vec![reload_keys_job(keys), purge_job(&context.db, &context.clock)];
        Ok(ServiceParts {
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
