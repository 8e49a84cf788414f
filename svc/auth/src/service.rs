use chassis::{Context, OperatorError, Service, ServiceParts};
use db::{Db, Schema, Tx, admin::Invariant};
use values::{Clock, Timestamp};

use crate::{
    api::{Api, App},
    command::{self, Command},
    jobs::{purge_job, reload_keys_job},
    keys::LiveKeys,
    settings::Settings,
    store,
};

/// The auth service.
#[derive(Debug)]
pub struct Auth;

impl Service for Auth {
    const NAME: &'static str = "auth";
    const ABOUT: &'static str = "Accounts, sessions, and the keys of access tokens.";
    const PORT: u16 = 4001;
    const SCHEMA: Schema = Schema {
        service: Self::NAME,
        migrations: &[bus::outbox::SCHEMA_V1, include_str!("../migrations/001_accounts.sql")],
    };
    const INVARIANTS: &'static [Invariant] = store::INVARIANTS;

    type Settings = Settings;
    type Command = Command;
    type Api = Api;
    type App = App;

    fn api() -> Api {
        Api
    }

    /// Publishes nothing: no other service has a replica of the data.
    fn republish(_: &Tx, _: Timestamp, _: Option<Timestamp>, _: Option<String>) -> Result<Option<String>, db::Error> {
        Ok(None)
    }

    async fn start(context: Context, settings: Settings) -> Result<ServiceParts<App>, OperatorError> {
        let keys = LiveKeys::open(context.db.clone(), context.clock.clone())
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
