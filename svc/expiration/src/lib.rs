//! The expiration service: times the deadline of every order, and proposes to the order service to end the order when
//! it has passed. The broker is the clock, the database is the truth.

mod api;
mod expire;
mod follow_order;
mod reactions;
mod recover;
mod republish;
mod seen;
mod settings;
mod store;
mod sweep;
mod timer;

#[cfg(test)]
mod converging;
#[cfg(test)]
mod desk;

use bus::{ReactionError, outbox};
use chassis::{Context, Mistakes, NoCommand, Parts, Readings, Service, StartError};
use db::{Db, Schema, Tx, admin::Invariant};
use events::Envelope;
use ids::{Clock, Timestamp};
use rusqlite::Connection;

pub use api::{Api, App};
pub use settings::{Args, Settings};

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
        migrations: &[outbox::V1, include_str!("../migrations/001_timers.sql")],
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

    type Args = Args;
    type Settings = Settings;
    type Command = NoCommand;
    type Api = Api;
    type App = App;

    fn api() -> Api {
        Api
    }

    fn settings(args: &Args, mistakes: &mut Mistakes) -> Option<Settings> {
        args.settings(mistakes)
    }

    fn republish(tx: &Tx, now: Timestamp, after: Option<String>) -> Result<Option<String>, db::Error> {
        republish::republish(tx, now, after.as_deref())
    }

    fn recover(tx: &Tx, now: Timestamp, envelope: &Envelope) -> Result<bool, ReactionError> {
        recover::recover(tx, now, envelope)
    }

    fn known_until(conn: &Connection) -> Result<Option<Timestamp>, db::Error> {
        recover::known_until(conn)
    }

    fn look(conn: &Connection, now: Timestamp, readings: &mut Readings) -> Result<(), db::Error> {
        seen::look(conn, now, readings)
    }

    async fn start(context: Context, settings: Settings) -> Result<Parts<App>, StartError> {
        Ok(Parts {
            consumers: reactions::consumers(&context.rungs),
            jobs: vec![sweep::job(&context, settings.sweep_interval)],
            app: App {
                db: context.db,
                clock: context.clock,
            },
            verifier: None,
        })
    }

    async fn command(command: NoCommand, _: Db, _: Clock) -> Result<String, StartError> {
        match command {}
    }
}
