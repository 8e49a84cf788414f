//! The service: schema, invariants and wiring.

use std::sync::Arc;

use bus::ConsumeError;
use chassis::{Context, NoCommand, OperatorError, Samples, Service, ServiceParts};
use db::{CacheMetrics, Db, Schema, Tx};
use events::Envelope;
use rusqlite::Connection;
use sale_limits::SaleLimits;
use values::{Clock, Timestamp};

use crate::{
    api::{Api, App, CachedReads},
    events::{PUBLISHER, consume, newest_record_at, recover, republish},
    jobs, metrics, store,
};

/// The ticket service.
#[derive(Debug)]
pub struct Ticket;

impl Service for Ticket {
    const NAME: &'static str = PUBLISHER;
    const ABOUT: &'static str = "Listings: sellers create, change and withdraw them, buyers search them.";
    const PORT: u16 = 4002;
    const SCHEMA: Schema = Schema {
        service: Self::NAME,
        migrations: &[
            bus::outbox::SCHEMA_V1,
            idempotency::SCHEMA_V1,
            include_str!("../migrations/001_listings.sql"),
            include_str!("../migrations/002_tally.sql"),
            include_str!("../migrations/003_refunds.sql"),
            include_str!("../migrations/004_free_tickets.sql"),
            idempotency::SCHEMA_V2,
            include_str!("../migrations/005_max_per_buyer.sql"),
            revocation::SCHEMA_V1,
            include_str!("../migrations/006_listed_by_currency.sql"),
            include_str!("../migrations/007_search.sql"),
            include_str!("../migrations/008_withdrawn_by_seller.sql"),
            idempotency::SCHEMA_V3,
            audit::SCHEMA_V1,
            audit::SCHEMA_V2,
        ],
    };
    const INVARIANTS: &'static [db::admin::Invariant] = store::INVARIANTS;

    type Settings = SaleLimits;
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

    fn collect_metrics(conn: &Connection, _now: Timestamp, samples: &mut Samples) -> Result<(), db::Error> {
        metrics::collect_metrics(conn, samples)
    }

    async fn start(context: Context, limits: SaleLimits) -> Result<ServiceParts<App>, OperatorError> {
        let Context { db, clock, metrics, .. } = context;
        jobs::index_newest_listings(&db).await.map_err(OperatorError::new)?;
        let reads = CachedReads::new(&db, &clock, limits, &CacheMetrics::of(&metrics));
        Ok(ServiceParts {
            consumers: vec![bus::Consumer {
                queue: bus::Queue::Events,
                handler: Arc::new(consume),
            }],
            jobs: vec![idempotency::purge_job(&db, &clock), jobs::index_job(&db)],
            app: App {
                db,
                clock,
                limits,
                reads,
            },
            verifier: None,
        })
    }

    async fn command(command: NoCommand, _db: Db, _clock: Clock) -> Result<String, OperatorError> {
        match command {}
    }
}
