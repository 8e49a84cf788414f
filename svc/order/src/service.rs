//! The wiring of the service.

use std::sync::Arc;

use bus::{ConsumeError, Consumer, Queue, outbox};
use chassis::{Context, NoCommand, OperatorError, Samples, Service, ServiceParts};
use db::{Db, Schema, Tx, admin::Invariant};
use events::Envelope;
use rusqlite::Connection;
use values::{Clock, Timestamp};

use crate::{
    api::{AllowanceApi, App, OrdersApi, PersonalDataApi, RefundsApi, SalesApi, WithdrawalsApi},
    domain::OrderLimits,
    events::{consume, newest_record_at, recover, republish},
    jobs, metrics,
    settings::Settings,
    store,
};

/// The order service.
#[derive(Debug)]
pub struct Orders;

impl Service for Orders {
    const NAME: &'static str = "order";
    const ABOUT: &'static str = "Orders of the ticketing marketplace: who holds which tickets, and until when.";
    const PORT: u16 = 4003;
    const SCHEMA: Schema = Schema {
        service: Self::NAME,
        migrations: &[
            outbox::SCHEMA_V1,
            idempotency::SCHEMA_V1,
            include_str!("../migrations/001_orders.sql"),
            include_str!("../migrations/002_tally.sql"),
            include_str!("../migrations/003_after_the_sale.sql"),
            include_str!("../migrations/004_attempts_that_are_over.sql"),
            idempotency::SCHEMA_V2,
            include_str!("../migrations/005_buyer_limits.sql"),
            revocation::SCHEMA_V1,
            include_str!("../migrations/006_sales_by_seller.sql"),
            include_str!("../migrations/007_one_index_of_buyers.sql"),
            idempotency::SCHEMA_V3,
            audit::SCHEMA_V1,
            audit::SCHEMA_V2,
            include_str!("../migrations/008_sale_period.sql"),
            closures::SCHEMA_V1,
            include_str!("../migrations/009_closures.sql"),
            include_str!("../migrations/010_guaranteed_refunds.sql"),
            include_str!("../migrations/011_withdrawal_retries.sql"),
        ],
    };
    const INVARIANTS: &'static [Invariant] = store::INVARIANTS;
    const BOUNDED_READS: &'static [db::BoundedRead] = store::BOUNDED_READS;

    type Settings = Settings;
    type Command = NoCommand;
    type Api = (
        OrdersApi,
        RefundsApi,
        WithdrawalsApi,
        SalesApi,
        AllowanceApi,
        PersonalDataApi,
    );
    type App = App;

    fn api() -> Self::Api {
        (
            OrdersApi,
            RefundsApi,
            WithdrawalsApi,
            SalesApi,
            AllowanceApi,
            PersonalDataApi,
        )
    }

    fn republish(
        tx: &Tx,
        now: Timestamp,
        since: Option<Timestamp>,
        after: Option<String>,
    ) -> Result<Option<String>, db::Error> {
        republish(tx, now, since, after)
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

    async fn start(context: Context, settings: Settings) -> Result<ServiceParts<App>, OperatorError> {
        let Context { db, clock, .. } = context;
        let Settings {
            order_window,
            sale,
            payment_extension,
            ..
        } = settings;
        Ok(ServiceParts {
            consumers: vec![Consumer {
                queue: Queue::Events,
                handler: Arc::new(move |tx, now, envelope| consume(tx, now, envelope, payment_extension)),
            }],
            jobs: vec![idempotency::purge_job(&db, &clock), jobs::withdrawal_job(&db, &clock)],
            app: App {
                db,
                clock,
                limits: OrderLimits {
                    sale,
                    default_window: order_window,
                },
                requires_confirmed_address: settings.requires_confirmed_address(),
            },
            verifier: None,
        })
    }

    async fn command(command: NoCommand, _db: Db, _clock: Clock) -> Result<String, OperatorError> {
        match command {}
    }
}
