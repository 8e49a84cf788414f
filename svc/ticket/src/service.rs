//! The service: schema, invariants and wiring.

use std::{path::PathBuf, sync::Arc};

use bus::ConsumeError;
use chassis::{Context, NoCommand, OperatorError, Samples, Service, ServiceParts};
use db::{CacheMetrics, Db, Schema, Tx};
use events::Envelope;
use rusqlite::Connection;
use sealing::{EncryptionKeys, key_file::KeyFile};
use values::{Clock, Timestamp};

use crate::{
    api::{
        AdmissionsApi, Api, App, CachedReads, CheckInsApi, CodeAttempts, DoorsApi, ImagesApi, ListingOrdersApi,
        OfferedTicketsApi, OfflineApi, PersonalDataApi, PictureQueue, Renderer, TransfersApi,
    },
    domain::Codes,
    events::{PUBLISHER, consume, newest_record_at, recover, republish},
    jobs,
    metrics::{CheckInCounters, collect_metrics},
    settings::Settings,
    store,
    use_cases::{CodeKeyError, load_code_key},
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
            include_str!("../migrations/009_sale_period.sql"),
            include_str!("../migrations/010_admissions.sql"),
            include_str!("../migrations/011_doors.sql"),
            include_str!("../migrations/012_images.sql"),
            include_str!("../migrations/013_orders_of_listings.sql"),
            include_str!("../migrations/014_transfers.sql"),
            include_str!("../migrations/015_uploaded_scans.sql"),
            closures::SCHEMA_V1,
            include_str!("../migrations/016_closures.sql"),
            include_str!("../migrations/017_search_vocabulary.sql"),
        ],
    };
    const INVARIANTS: &'static [db::admin::Invariant] = store::INVARIANTS;
    const BOUNDED_READS: &'static [db::BoundedRead] = store::BOUNDED_READS;

    type Settings = Settings;
    type Command = NoCommand;
    type Api = (
        Api,
        AdmissionsApi,
        TransfersApi,
        OfferedTicketsApi,
        CheckInsApi,
        OfflineApi,
        DoorsApi,
        ImagesApi,
        ListingOrdersApi,
        PersonalDataApi,
    );
    type App = App;

    fn api() -> Self::Api {
        (
            Api,
            AdmissionsApi,
            TransfersApi,
            OfferedTicketsApi,
            CheckInsApi,
            OfflineApi,
            DoorsApi,
            ImagesApi,
            ListingOrdersApi,
            PersonalDataApi,
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

    fn collect_metrics(conn: &Connection, _now: Timestamp, samples: &mut Samples) -> Result<(), db::Error> {
        collect_metrics(conn, samples)
    }

    async fn start(context: Context, settings: Settings) -> Result<ServiceParts<App>, OperatorError> {
        let Context { db, clock, metrics, .. } = context;
        let limits = settings.sale;
        let codes = open_codes(&db, &clock, settings.admission_key()).await?;
        if db.read_internal(store::has_orders_without_details).await? {
            tracing::warn!(
                "orders of an earlier release have no admissions yet: run `ticketing-order republish` when the order service runs"
            );
        }
        jobs::index_newest_listings(&db).await.map_err(OperatorError::new)?;
        let reads = CachedReads::new(&db, &clock, limits, &CacheMetrics::of(&metrics));
        Ok(ServiceParts {
            consumers: vec![bus::Consumer {
                queue: bus::Queue::Events,
                handler: Arc::new({
                    let codes = codes.clone();
                    move |tx, now, envelope| consume(tx, now, envelope, &codes)
                }),
            }],
            jobs: vec![
                idempotency::purge_job(&db, &clock),
                jobs::index_job(&db),
                jobs::admissions_job(&db, &clock, &codes),
                jobs::transfers_job(&db, &clock),
            ],
            app: App {
                db,
                clock,
                limits,
                requires_confirmed_address: settings.requires_confirmed_address(),
                reads,
                codes,
                renderer: Renderer::new(),
                code_attempts: CodeAttempts::default(),
                check_ins: CheckInCounters::register(&metrics),
                pictures: PictureQueue::new(),
            },
            verifier: None,
        })
    }

    async fn command(command: NoCommand, _db: Db, _clock: Clock) -> Result<String, OperatorError> {
        match command {}
    }
}

/// What an operator does about a lost key file.
const KEY_ADVICE: &str = "and the codes of admissions in the database are encrypted with its key: restore it, or give the key as \
    --admission-key-file";

/// Returns the keys of codes: with the encryption key that is given, else that in a file beside the database, `ticket.key` for
/// `ticket.db`, which is created before the first code.
async fn open_codes(db: &Db, clock: &Clock, given: Option<EncryptionKeys>) -> Result<Codes, OperatorError> {
    let encryption = match given {
        Some(given) => given,
        None => read_key_file(db).await?,
    };
    let now = clock.now();
    db.write(move |tx| load_code_key(tx, now, &encryption))
        .await
        .map_err(|error: CodeKeyError| OperatorError::new(error))
}

async fn read_key_file(db: &Db) -> Result<EncryptionKeys, OperatorError> {
    let state = |conn: &Connection| -> Result<_, db::Error> {
        let path = conn.path().map(PathBuf::from).unwrap_or_default();
        Ok((path, store::code_key(conn)?.is_some()))
    };
    let (database, has_codes) = db.read_internal(state).await.map_err(OperatorError::new)?;
    let file = KeyFile {
        path: database.with_extension("key"),
        may_create: !has_codes,
        advice: KEY_ADVICE,
    };
    file.open().await.map_err(OperatorError::new)
}
