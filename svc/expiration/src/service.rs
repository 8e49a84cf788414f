//! The implementation of [`chassis::Service`]: schema, settings and wiring.

use std::sync::Arc;

use bus::{ConsumeError, DelayLadder, outbox};
use chassis::{Context, NoCommand, OperatorError, Samples, Service, ServiceParts};
use db::{Db, Schema, Tx, admin::Invariant};
use events::Envelope;
use rusqlite::Connection;
use tokio::sync::Notify;
use values::{Clock, Timestamp};

use crate::{
    api::{Api, App},
    events::{SERVICE_NAME, consumers, newest_record_at, recover, republish},
    jobs, metrics,
    settings::Settings,
    store,
};

/// The expiration service.
#[derive(Debug)]
pub struct Expiration;

impl Service for Expiration {
    const NAME: &'static str = SERVICE_NAME;
    const ABOUT: &'static str =
        "Times every order: one that is not paid within its window is cancelled, and its tickets are on sale again.";
    const PORT: u16 = 4004;
    const SCHEMA: Schema = Schema {
        service: SERVICE_NAME,
        migrations: &[
            outbox::SCHEMA_V1,
            include_str!("../migrations/001_timers.sql"),
            revocation::SCHEMA_V1,
            audit::SCHEMA_V1,
            audit::SCHEMA_V2,
        ],
    };
    const INVARIANTS: &'static [Invariant] = store::INVARIANTS;
    // None of its statements scans or sorts.
    const BOUNDED_READS: &'static [db::BoundedRead] = &[];

    type Settings = Settings;
    type Command = NoCommand;
    type Api = Api;
    type App = App;

    fn api() -> Api {
        Api
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

    fn collect_metrics(conn: &Connection, now: Timestamp, samples: &mut Samples) -> Result<(), db::Error> {
        metrics::collect_metrics(conn, now, samples)
    }

    fn delay_ladder(settings: &Settings) -> Option<DelayLadder> {
        Some(settings.delay_ladder())
    }

    async fn start(context: Context, settings: Settings) -> Result<ServiceParts<App>, OperatorError> {
        let overdue = Arc::<Notify>::default();
        jobs::start_follow_up(&context, Arc::clone(&overdue));
        Ok(ServiceParts {
            consumers: consumers(&settings.delay_ladder(), overdue),
            jobs: vec![jobs::sweep_job(&context, settings.sweep.interval)],
            app: App {
                db: context.db,
                clock: context.clock,
            },
            verifier: None,
        })
    }

    async fn command(command: NoCommand, _: Db, _: Clock) -> Result<String, OperatorError> {
        match command {}
    }
}
