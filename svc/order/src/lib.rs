//! The order service: who holds which tickets, until when, and whether they are paid.
//!
//! Its stock row decides every race for tickets; see `README.md`.

mod api;
mod ask_refund;
mod cancel_order;
mod decide_refund;
mod dto;
mod listing;
mod metrics;
#[cfg(feature = "model")]
#[doc(hidden)]
pub mod model;
mod order;
mod place_order;
mod reactions;
mod record;
mod recover;
mod refund;
mod refunds;
mod retry_withdrawal;
mod settings;
mod store;
#[cfg(test)]
mod tests;
mod withdrawal;

use std::sync::Arc;

use bus::{ConsumeError, Consumer, Queue, outbox};
use chassis::{ConfigErrors, Context, NoCommand, OperatorError, Parts, Samples, Service};
use db::{Db, Schema, Tx, admin::Invariant};
use events::Envelope;
use rusqlite::Connection;
use values::{Clock, Timestamp};

use refunds::RefundsApi;
pub use settings::{Args, Settings};

/// The order service.
#[derive(Debug)]
pub struct Orders;

/// How many orders are announced again in one transaction.
const REPUBLISHED: u32 = 500;

/// When all orders are, their refunds follow: so begins the place where to go on, then.
const REFUNDS: &str = "refund ";

fn republish_refunds(tx: &Tx, now: Timestamp, after: &str) -> Result<Option<String>, db::Error> {
    let refunds = store::refunds_page(tx, after, REPUBLISHED)?;
    for refund in &refunds {
        record::announce_refund(tx, refund, now)?;
    }
    Ok(refunds.last().map(|last| format!("{REFUNDS}{}", last.id)))
}

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
        ],
    };
    const INVARIANTS: &'static [Invariant] = &[
        Invariant {
            name: "the stock is what the orders hold and have bought",
            sql: r#"SELECT l.id, l.held, l.sold,
                           coalesce(sum(o.quantity) FILTER (WHERE o.status IN ('created', 'awaiting:payment')), 0) AS open,
                           coalesce(sum(o.quantity - o.returned_quantity) FILTER (WHERE o.status = 'complete'), 0) AS paid
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
            name: "what went back of an order is what its refunds say",
            sql: r#"SELECT o.id, o.claimed_quantity, o.refunded_quantity, o.returned_quantity, r.claimed, r.paid, r.returned
                    FROM "order" o
                    LEFT JOIN (SELECT order_id, sum(claimed) AS claimed,
                                      sum(quantity) FILTER (WHERE status = 'paid') AS paid,
                                      sum(quantity) FILTER (WHERE returned) AS returned
                               FROM refund GROUP BY order_id) r ON r.order_id = o.id
                    WHERE o.claimed_quantity <> coalesce(r.claimed, 0) OR o.refunded_quantity <> coalesce(r.paid, 0)
                       OR o.returned_quantity <> coalesce(r.returned, 0)"#,
        },
        Invariant {
            name: "only what is paid is refunded",
            sql: r#"SELECT r.id FROM refund r JOIN "order" o ON o.id = r.order_id WHERE o.status <> 'complete'"#,
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
    type Api = (api::Api, RefundsApi);
    type App = api::App;

    fn api() -> Self::Api {
        (api::Api, RefundsApi)
    }

    fn settings(args: &Args, errors: &mut ConfigErrors) -> Option<Settings> {
        args.settings(errors)
    }

    fn republish(tx: &Tx, now: Timestamp, after: Option<String>) -> Result<Option<String>, db::Error> {
        let after = after.unwrap_or_default();
        if let Some(after) = after.strip_prefix(REFUNDS) {
            return republish_refunds(tx, now, after);
        }
        let orders = store::page(tx, &after, REPUBLISHED)?;
        for order in &orders {
            record::announce(tx, order, now)?;
        }
        match orders.last() {
            Some(last) => Ok(Some(last.id.to_string())),
            None => republish_refunds(tx, now, ""),
        }
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

    async fn start(context: Context, settings: Settings) -> Result<Parts<api::App>, OperatorError> {
        let Context { db, clock, window, .. } = context;
        Ok(Parts {
            consumers: vec![Consumer {
                queue: Queue::Events,
                reaction: Arc::new(move |tx, now, envelope| {
                    reactions::react(tx, now, envelope, settings.payment_extension)
                }),
            }],
            jobs: vec![idempotency::purge_job(&db, &clock), withdrawal::refunding(&db, &clock)],
            app: api::App {
                db,
                clock,
                window,
                max_tickets_per_order: settings.max_tickets_per_order,
            },
            verifier: None,
        })
    }

    async fn command(command: NoCommand, _db: Db, _clock: Clock) -> Result<String, OperatorError> {
        match command {}
    }
}
