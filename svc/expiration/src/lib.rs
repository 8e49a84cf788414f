//! The expiration service: times the deadline of every order, and proposes to the order service to end the order when
//! it has passed. The broker is the clock, the database is the truth.

mod api;
mod expire;
mod follow_order;
mod metrics;
mod reactions;
mod recover;
mod republish;
mod settings;
mod store;
mod sweep;
mod timer;

#[cfg(test)]
mod converging;
#[cfg(test)]
mod desk;

use bus::{ConsumeError, DelayLadder, outbox};
use chassis::{Context, NoCommand, OperatorError, Parts, Samples, Service};
use db::{Db, Schema, Tx, admin::Invariant};
use events::Envelope;
use rusqlite::Connection;
use values::{Clock, Timestamp};

pub use api::{Api, App};
pub use settings::{Settings, SweepSettings};

/// The service's name: its queue, its source on the bus, its database.
const NAME: &str = "expiration";

/// The expiration service.
#[derive(Debug)]
pub struct Expiration;

impl Service for Expiration {
    const NAME: &'static str = NAME;
    const ABOUT: &'static str =
        "Times every order: one that is not paid within its window is cancelled, and its tickets are on sale again.";
    const PORT: u16 = 4004;
    const SCHEMA: Schema = Schema {
        service: NAME,
        migrations: &[outbox::SCHEMA_V1, include_str!("../migrations/001_timers.sql")],
    };
    const INVARIANTS: &'static [Invariant] = &[
        Invariant {
            // Both are written as RFC 3339 with milliseconds in UTC, which sorts as it reads.
            name: "no deadline is announced before it has passed",
            sql: "SELECT event_id, body ->> '$.subject' AS order_id FROM outbox
                  WHERE event_type = 'ticketing.expiration.completed.v1' AND body ->> '$.time' < body ->> '$.data.deadline'",
        },
        Invariant {
            name: "a timer is stopped exactly when its order says why",
            sql: "SELECT order_id, state, stopped_by FROM timer WHERE (state = 'stopped') <> (stopped_by IS NOT NULL)",
        },
        Invariant {
            name: "no order waits for a deadline that was announced",
            sql: "SELECT o.event_id, o.body ->> '$.subject' AS order_id FROM outbox o
                  WHERE o.event_type = 'ticketing.expiration.completed.v1' AND NOT EXISTS (
                      SELECT 1 FROM timer t WHERE t.order_id = o.body ->> '$.subject'
                      AND (t.state <> 'pending' OR t.order_version > o.body ->> '$.data.version'))",
        },
    ];

    type Settings = Settings;
    type Command = NoCommand;
    type Api = Api;
    type App = App;

    fn api() -> Api {
        Api
    }

    fn republish(tx: &Tx, now: Timestamp, after: Option<String>) -> Result<Option<String>, db::Error> {
        republish::republish(tx, now, after.as_deref())
    }

    fn recover(tx: &Tx, now: Timestamp, envelope: &Envelope) -> Result<bool, ConsumeError> {
        recover::recover(tx, now, envelope)
    }

    fn newest_record_at(conn: &Connection) -> Result<Option<Timestamp>, db::Error> {
        recover::newest_record_at(conn)
    }

    fn collect_metrics(conn: &Connection, now: Timestamp, samples: &mut Samples) -> Result<(), db::Error> {
        metrics::collect_metrics(conn, now, samples)
    }

    fn delay_ladder(settings: &Settings) -> Option<DelayLadder> {
        Some(settings.delay_ladder())
    }

    async fn start(context: Context, settings: Settings) -> Result<Parts<App>, OperatorError> {
        Ok(Parts {
            consumers: reactions::consumers(&settings.delay_ladder()),
            jobs: vec![sweep::job(&context, settings.sweep.interval)],
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
