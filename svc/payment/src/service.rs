//! The payment service as the chassis runs it: schema, wiring, subcommands.

use std::{sync::Arc, time::Duration};

use bus::{Consumer, Queue, outbox};
use chassis::{Context, Job, OperatorError, Parts, Samples, Service};
use db::{Db, Schema, Tx, admin::Invariant};
use rusqlite::Connection;
use values::{Clock, Timestamp};

use crate::{
    api::{App, LedgerApi, PaymentsApi, WebhookApi},
    domain::Since,
    events,
    jobs::{self, Settler},
    metrics,
    settings::Settings,
    store,
    stripe::{Mailbox, Signers, Stripe},
};

/// The payment service.
#[derive(Debug)]
pub struct Payments;

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

    type Settings = Settings;
    type Command = Command;
    type Api = (PaymentsApi, WebhookApi, LedgerApi);
    type App = App;

    fn api() -> Self::Api {
        (PaymentsApi, WebhookApi, LedgerApi)
    }

    fn republish(tx: &Tx, now: Timestamp, after: Option<String>) -> Result<Option<String>, db::Error> {
        events::republish(tx, now, after.as_deref())
    }

    fn newest_record_at(conn: &Connection) -> Result<Option<Timestamp>, db::Error> {
        store::newest(conn)
    }

    fn collect_metrics(conn: &Connection, now: Timestamp, samples: &mut Samples) -> Result<(), db::Error> {
        metrics::collect_metrics(conn, now, samples)
    }

    async fn start(context: Context, settings: Settings) -> Result<Parts<App>, OperatorError> {
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
        let mailbox = Mailbox::new(Signers::new(settings.webhook_secrets()), &metrics);
        let share = settings.platform_fee;
        // Off the async threads, and a panic for want of certificates is caught there.
        let stripe = tokio::task::spawn_blocking(move || Stripe::new(&settings, &metrics)).await;
        let stripe = stripe
            .map_err(|_| OperatorError("Stripe: this machine has no certificates of authorities".to_owned()))??;
        events::begin_remembering(&db, &clock).await?;
        jobs::backfill_ledger(&db, &clock, share).await?;
        events::begin_looking_after(&db, &clock).await?;
        let remembering = jobs::remembering(&db, &clock, &stripe);
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
                handler: Arc::new(events::react),
            }],
            jobs: vec![
                look,
                remembering,
                idempotency::purge_job(&db, &clock),
                jobs::purge_job(&db, &clock),
            ],
            app: App {
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
        match command {
            Command::Reconcile { since, adopt, stripe } => jobs::reconcile((since, adopt), *stripe, db, clock).await,
            Command::Ledger => Ok(db.read(jobs::report).await?),
        }
    }
}

/// The payment service's own subcommands.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Compare every payment of a period with Stripe's own list, both ways. Fails where they differ.
    Reconcile {
        /// From when on: a moment such as 2027-06-01T00:00:00Z, or how long ago, such as 90m, 24h or 7d.
        #[arg(long, value_name = "WHEN")]
        since: Since,
        /// Take back payments that Stripe knows and the database does not. They then follow their orders. Of what was
        /// given back differently, the running service asks Stripe.
        #[arg(long)]
        adopt: bool,
        /// How to reach Stripe.
        #[command(flatten)]
        stripe: Box<Settings>,
    },
    /// Show what each account of the ledger has, by currency, in minor units.
    Ledger,
}
