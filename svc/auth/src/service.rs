use std::time::Duration;

use bus::{ConsumeError, Consumer, Queue};
use chassis::{Context, OperatorError, Service, ServiceParts};
use db::{Db, Schema, Tx, admin::Invariant};
use events::Envelope;
use rusqlite::Connection;
use values::{Clock, Timestamp};

use crate::{
    api::{AccountsApi, Api, App, DeletionApi, PersonalDataApi, SecondFactorApi, SessionsApi},
    command::{self, Command},
    events::{SERVICE_NAME, event_handler, newest_record_at, recover, republish},
    jobs::{decide_mails_job, purge_job, reload_keys_job, repeat_closures_job},
    keys::{LiveKeys, encryption_keys, mail_keys},
    settings::Settings,
    store,
    use_cases::{repeat_closures, update_email_keys},
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
            include_str!("../migrations/005_profiles.sql"),
            include_str!("../migrations/006_mail_links.sql"),
            include_str!("../migrations/007_second_factors.sql"),
            include_str!("../migrations/008_closures.sql"),
        ],
    };
    const INVARIANTS: &'static [Invariant] = store::INVARIANTS;
    const BOUNDED_READS: &'static [db::BoundedRead] = store::BOUNDED_READS;

    type Settings = Settings;
    type Command = Command;
    type Api = (
        Api,
        AccountsApi,
        SessionsApi,
        SecondFactorApi,
        PersonalDataApi,
        DeletionApi,
    );
    type App = App;

    fn api() -> Self::Api {
        (
            Api,
            AccountsApi,
            SessionsApi,
            SecondFactorApi,
            PersonalDataApi,
            DeletionApi,
        )
    }

    fn republish(
        tx: &Tx,
        now: Timestamp,
        since: Option<Timestamp>,
        after: Option<String>,
    ) -> Result<Option<String>, db::Error> {
        republish(tx, now, since, after.as_deref())
    }

    fn recover(tx: &Tx, now: Timestamp, envelope: &Envelope) -> Result<bool, ConsumeError> {
        recover(tx, now, envelope)
    }

    fn newest_record_at(conn: &Connection) -> Result<Option<Timestamp>, db::Error> {
        newest_record_at(conn)
    }

    async fn start(context: Context, settings: Settings) -> Result<ServiceParts<App>, OperatorError> {
        while context.db.write(update_email_keys).await? > 0 {}
        let started_at = context.clock.now();
        // The release before may have been back: it does not count what it decides, and services of its time accept everything.
        while context
            .db
            .write(move |tx| repeat_closures(tx, started_at + Duration::from_millis(1), started_at))
            .await?
            > 0
        {}
        let encryption = encryption_keys(&context.db, settings.encryption_keys())
            .await
            .map_err(OperatorError::new)?;
        let keys = LiveKeys::open(context.db.clone(), context.clock.clone(), encryption)
            .await
            .map_err(OperatorError::new)?;
        keys.seal_second_factors().await.map_err(OperatorError::new)?;
        let verifier = keys.verifier(&context.token_issuer, &context.token_audience);
        let mail_keys = mail_keys(&context.db, settings.mail_keys())
            .await
            .map_err(OperatorError::new)?;
        let app = App::new(&context, keys.clone(), mail_keys.clone(), &settings);
        let jobs = vec![
            reload_keys_job(keys),
            decide_mails_job(&context.db, &context.clock, mail_keys),
            repeat_closures_job(&context.db, &context.clock),
            purge_job(&context.db, &context.clock),
        ];
        Ok(ServiceParts {
            app,
            consumers: vec![Consumer {
                queue: Queue::Events,
                handler: event_handler(context.denied_tokens.clone()),
            }],
            jobs,
            verifier: Some(verifier),
        })
    }

    async fn command(command: Command, db: Db, clock: Clock) -> Result<String, OperatorError> {
        command::run(command, db, clock).await
    }
}
