//! The payment service: takes money for orders, once, and only for those that are confirmed.
//!
//! The card is authorised first, the order is confirmed while it still holds its tickets, and only then the money is
//! taken; see `README.md`.

mod api;
mod bill;
mod breaker;
mod card_token;
mod declines;
mod dto;
mod intent;
mod ledger;
mod metrics;
#[cfg(feature = "model")]
#[doc(hidden)]
pub mod model;
mod pay;
mod payment;
mod reactions;
mod reconcile;
mod record;
mod refunds;
mod settings;
mod settler;
mod store;
mod stripe;
mod turns;
mod webhook;

use std::{sync::Arc, time::Duration};

use bus::{Consumer, Queue, outbox};
use chassis::{ConfigErrors, Context, Job, OperatorError, Parts, Samples, Service};
use db::{Db, Schema, Tx, admin::Invariant};
use rusqlite::Connection;
use values::{Clock, Timestamp};

pub use ledger::{BasisPoints, NoShare};
pub use reconcile::{Command, Since};
pub use settings::{Args, Settings};

use crate::{
    ledger::api::LedgerApi,
    settler::Settler,
    stripe::Stripe,
    webhook::{Mailbox, Signers, api::WebhookApi},
};

/// The payment service.
#[derive(Debug)]
pub struct Payments;

/// How many payments are announced again in one transaction.
const REPUBLISHED: u32 = 500;

/// How often open payments are looked for that no commit has told of.
const LOOK: Duration = Duration::from_secs(2);

impl Service for Payments {
    const NAME: &'static str = "payment";
    const ABOUT: &'static str =
        "Payments of the ticketing marketplace: authorised first, taken once the order is confirmed.";
    const PORT: u16 = 4005;
    const SCHEMA: Schema = Schema {
        service: Self::NAME,
        migrations: &[
            outbox::SCHEMA_V1,
            idempotency::SCHEMA_V1,
            include_str!("../migrations/001_payments.sql"),
            include_str!("../migrations/002_seen.sql"),
            include_str!("../migrations/003_browsers_and_webhooks.sql"),
            include_str!("../migrations/004_ledger_and_refunds.sql"),
        ],
    };
    const INVARIANTS: &'static [Invariant] = store::INVARIANTS;

    type Args = Args;
    type Settings = Settings;
    type Command = Command;
    type Api = (api::Api, WebhookApi, LedgerApi);
    type App = api::App;

    fn api() -> Self::Api {
        (api::Api, WebhookApi, LedgerApi)
    }

    fn settings(args: &Args, errors: &mut ConfigErrors) -> Option<Settings> {
        args.settings(errors)
    }

    fn republish(tx: &Tx, now: Timestamp, after: Option<String>) -> Result<Option<String>, db::Error> {
        let payments = store::page(tx, after.as_deref().unwrap_or_default(), REPUBLISHED)?;
        for payment in &payments {
            record::announce(tx, now, payment)?;
            refunds::announce_again(tx, now, payment)?;
        }
        Ok(payments.last().map(|payment| payment.id.to_string()))
    }

    fn newest_record_at(conn: &Connection) -> Result<Option<Timestamp>, db::Error> {
        store::newest(conn)
    }

    fn collect_metrics(conn: &Connection, now: Timestamp, samples: &mut Samples) -> Result<(), db::Error> {
        metrics::collect_metrics(conn, now, samples)
    }

    async fn start(context: Context, settings: Settings) -> Result<Parts<api::App>, OperatorError> {
        let waiting = context.clone();
        let Context {
            db,
            metrics,
            clock,
            shutdown,
            tasks,
            ..
        } = context;
        let publishable_key = settings.stripe_publishable_key.as_deref().map(Arc::from);
        let mailbox = Mailbox::new(Signers::new(settings.stripe_webhook_secrets.clone()), &metrics);
        let share = settings.platform_fee;
        // Off the async threads, and a panic for want of certificates is caught there.
        let stripe = tokio::task::spawn_blocking(move || Stripe::new(&settings, &metrics)).await;
        let stripe = stripe
            .map_err(|_| OperatorError("Stripe: this machine has no certificates of authorities".to_owned()))??;
        reconcile::begin(&db, &clock).await?;
        ledger::begin(&db, &clock, share).await?;
        refunds::begin(&db, &clock).await?;
        let remembering = reconcile::remembering(&db, &clock, &stripe);
        let settler = Settler::new((db.clone(), clock.clone()), stripe, share, shutdown, tasks.clone());
        let settling = settler.clone();
        tasks.spawn(trace::context().scope(async move {
            // What a backup says of a payment may be out of date: not before it has caught up.
            if waiting.wait_for_recovery().await {
                settling.run().await;
            }
        }));
        let looking = settler.clone();
        let look = Job::every(LOOK, "look for open payments", move || {
            looking.wake();
            std::future::ready(())
        });
        Ok(Parts {
            consumers: vec![Consumer {
                queue: Queue::Events,
                reaction: Arc::new(reactions::react),
            }],
            jobs: vec![
                look,
                remembering,
                idempotency::purge_job(&db, &clock),
                webhook::purge_job(&db, &clock),
            ],
            app: api::App {
                db,
                clock,
                settler,
                publishable_key,
                mailbox,
            },
            verifier: None,
        })
    }

    async fn command(command: Command, db: Db, clock: Clock) -> Result<String, OperatorError> {
        reconcile::run(command, db, clock).await
    }
}
