//! The order service: who holds which tickets, until when, and whether they are paid.
//!
//! Its stock row decides every race for tickets; see `README.md`.

mod api;
mod cancel_order;
mod dto;
mod listing;
mod order;
mod place_order;
mod reactions;
mod record;
mod recover;
mod seen;
mod settings;
mod store;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bus::{Consumer, Queue, ReactionError, outbox};
use chassis::{Context, Mistakes, NoCommand, Parts, Readings, Service, StartError};
use db::{Db, Schema, Tx, admin::Invariant};
use events::Envelope;
use ids::{Clock, Timestamp};
use rusqlite::Connection;

pub use settings::{Args, Settings};

/// The order service.
#[derive(Debug)]
pub struct Orders;

/// How many orders are announced again in one transaction.
const REPUBLISHED: u32 = 500;

impl Service for Orders {
    const NAME: &'static str = "order";
    const ABOUT: &'static str = "Orders of the ticketing marketplace: who holds which tickets, and until when.";
    const PORT: u16 = 4003;
    const SCHEMA: Schema = Schema {
        service: Self::NAME,
        migrations: &[
            outbox::V1,
            idempotency::V1,
            include_str!("../migrations/001_orders.sql"),
            include_str!("../migrations/002_tally.sql"),
        ],
    };
    const INVARIANTS: &'static [Invariant] = &[
        Invariant {
            name: "the stock is what the orders hold and have bought",
            sql: r#"SELECT l.id, l.held, l.sold,
                           coalesce(sum(o.quantity) FILTER (WHERE o.status IN ('created', 'awaiting:payment')), 0) AS open,
                           coalesce(sum(o.quantity) FILTER (WHERE o.status = 'complete'), 0) AS paid
                    FROM listing l LEFT JOIN "order" o ON o.ticket_id = l.id
                    GROUP BY l.id HAVING l.held <> open OR l.sold <> paid"#,
        },
        Invariant {
            name: "there are as many tickets as the seller wants, or as are taken",
            sql: "SELECT id, wanted, quantity, held, sold FROM listing WHERE quantity <> max(wanted, held + sold)",
        },
        Invariant {
            name: "a withdrawn listing has no open order",
            sql: r#"SELECT o.id FROM "order" o JOIN listing l ON l.id = o.ticket_id
                    WHERE l.withdrawn_at IS NOT NULL AND o.status = 'created'"#,
        },
        Invariant {
            name: "the tally counts the orders",
            sql: r#"SELECT status, reason, o.orders, t.orders AS counted, o.tickets, t.tickets AS counted_tickets
                    FROM (SELECT status, coalesce(cancel_reason, '') AS reason, count(*) AS orders, sum(quantity) AS tickets
                          FROM "order" GROUP BY 1, 2) o
                    FULL JOIN tally t USING (status, reason)
                    WHERE coalesce(o.orders, 0) IS NOT t.orders OR coalesce(o.tickets, 0) IS NOT t.tickets"#,
        },
    ];

    type Args = Args;
    type Settings = Settings;
    type Command = NoCommand;
    type Api = api::Api;
    type App = api::App;

    fn api() -> api::Api {
        api::Api
    }

    fn settings(args: &Args, mistakes: &mut Mistakes) -> Option<Settings> {
        args.settings(mistakes)
    }

    fn republish(tx: &Tx, now: Timestamp, after: Option<String>) -> Result<Option<String>, db::Error> {
        let orders = store::page(tx, after.as_deref().unwrap_or_default(), REPUBLISHED)?;
        for order in &orders {
            record::announce(tx, order, now)?;
        }
        Ok(orders.last().map(|order| order.id.to_string()))
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

    async fn start(context: Context, settings: Settings) -> Result<Parts<api::App>, StartError> {
        let Context { db, clock, window, .. } = context;
        Ok(Parts {
            consumers: vec![Consumer {
                queue: Queue::Events,
                reaction: Arc::new(reactions::react),
            }],
            jobs: vec![idempotency::forgetting(&db, &clock)],
            app: api::App {
                db,
                clock,
                window,
                max_tickets_per_order: settings.max_tickets_per_order,
            },
            verifier: None,
        })
    }

    async fn command(command: NoCommand, _db: Db, _clock: Clock) -> Result<String, StartError> {
        match command {}
    }
}
