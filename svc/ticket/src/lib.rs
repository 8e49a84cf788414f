//! The ticket service: what is on sale.
//!
//! It owns the listings. Of orders it keeps a replica, to know what is held and sold; who gets the last ticket is decided
//! by the order service.

mod announce;
mod answers;
mod api;
mod browse;
mod change_ticket;
mod create_ticket;
mod dto;
mod edit;
mod listing;
mod offer;
mod reactions;
mod recover;
mod refusals;
mod seen;
mod store;
mod tag;
mod withdraw_ticket;
mod words;

use std::sync::Arc;

use bus::ReactionError;
use chassis::{Context, Mistakes, NoCommand, NoSettings, Parts, Readings, Service, StartError};
use db::{Db, Schema, Tx};
use events::Envelope;
use ids::{Clock, Timestamp};
use rusqlite::Connection;

pub use api::{Api, App};

const NAME: &str = "ticket";

/// The ticket service.
#[derive(Debug)]
pub struct Ticket;

impl Service for Ticket {
    const NAME: &'static str = NAME;
    const ABOUT: &'static str = "What is on sale: sellers list, change and withdraw tickets, buyers search them.";
    const PORT: u16 = 4002;
    const SCHEMA: Schema = Schema {
        service: NAME,
        migrations: &[
            bus::outbox::V1,
            idempotency::V1,
            include_str!("../migrations/001_listings.sql"),
            include_str!("../migrations/002_tally.sql"),
            include_str!("../migrations/003_refunds.sql"),
            include_str!("../migrations/004_free_tickets.sql"),
        ],
    };
    const INVARIANTS: &'static [db::admin::Invariant] = store::INVARIANTS;

    type Args = NoSettings;
    type Settings = ();
    type Command = NoCommand;
    type Api = Api;
    type App = App;

    fn api() -> Api {
        Api
    }

    fn settings(_args: &NoSettings, _mistakes: &mut Mistakes) -> Option<()> {
        Some(())
    }

    fn republish(tx: &Tx, now: Timestamp, after: Option<String>) -> Result<Option<String>, db::Error> {
        announce::republish(tx, now, after.as_deref())
    }

    fn recover(tx: &Tx, now: Timestamp, envelope: &Envelope) -> Result<bool, ReactionError> {
        recover::recover(tx, now, envelope)
    }

    fn known_until(conn: &Connection) -> Result<Option<Timestamp>, db::Error> {
        recover::known_until(conn)
    }

    fn look(conn: &Connection, _now: Timestamp, readings: &mut Readings) -> Result<(), db::Error> {
        seen::look(conn, readings)
    }

    async fn start(context: Context, (): ()) -> Result<Parts<App>, StartError> {
        let Context { db, clock, .. } = context;
        Ok(Parts {
            consumers: vec![bus::Consumer {
                queue: bus::Queue::Events,
                reaction: Arc::new(reactions::react),
            }],
            jobs: vec![idempotency::forgetting(&db, &clock)],
            app: App { db, clock },
            verifier: None,
        })
    }

    async fn command(command: NoCommand, _db: Db, _clock: Clock) -> Result<String, StartError> {
        match command {}
    }
}
