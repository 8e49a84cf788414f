//! The payment service: schema, wiring and subcommands.

use std::{sync::Arc, time::Duration};

use bus::{Consumer, Queue, outbox};
use chassis::{Context, Job, OperatorError, Samples, Service, ServiceParts};
use db::{BoundedRead, Db, Schema, Tx, admin::Invariant};
use rusqlite::Connection;
use tracing::Instrument;
use values::{Clock, Currency, Timestamp, UserId};

use crate::{
    api::{App, LedgerApi, PaymentsApi, PersonalDataApi, WebhookApi},
    domain::{CardAttempts, Since},
    events,
    jobs::{self, Settler},
    metrics,
    settings::Settings,
    store,
    stripe::{SigningSecrets, StripeClient, WebhookReceiver},
    use_cases::{Payout, PayoutError, record_payout},
};

/// The payment service.
#[derive(Debug)]
pub struct Payments;

/// How often due payments are settled without a commit.
const POLLING_INTERVAL: Duration = Duration::from_secs(2);

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
            idempotency::SCHEMA_V2,
            include_str!("../migrations/005_work_after_a_start.sql"),
            revocation::SCHEMA_V1,
            include_str!("../migrations/006_card_attempts.sql"),
            idempotency::SCHEMA_V3,
            audit::SCHEMA_V1,
            audit::SCHEMA_V2,
            closures::SCHEMA_V1,
            include_str!("../migrations/007_closures_and_payouts.sql"),
        ],
    };
    const INVARIANTS: &'static [Invariant] = store::INVARIANTS;
    const BOUNDED_READS: &'static [BoundedRead] = store::BOUNDED_READS;

    type Settings = Settings;
    type Command = Command;
    type Api = (PaymentsApi, WebhookApi, LedgerApi, PersonalDataApi);
    type App = App;

    fn api() -> Self::Api {
        (PaymentsApi, WebhookApi, LedgerApi, PersonalDataApi)
    }

    fn republish(
        tx: &Tx,
        now: Timestamp,
        since: Option<Timestamp>,
        after: Option<String>,
    ) -> Result<Option<String>, db::Error> {
        events::republish(tx, now, since, after.as_deref())
    }

    fn newest_record_at(conn: &Connection) -> Result<Option<Timestamp>, db::Error> {
        store::newest_payment_at(conn)
    }

    fn collect_metrics(conn: &Connection, now: Timestamp, samples: &mut Samples) -> Result<(), db::Error> {
        metrics::collect_metrics(conn, now, samples)
    }

    async fn start(context: Context, settings: Settings) -> Result<ServiceParts<App>, OperatorError> {
        let recovering = context.clone();
        let Context {
            db,
            metrics,
            clock,
            shutdown,
            tasks,
            ..
        } = context;
        let publishable_key = settings.stripe_publishable_key.as_deref().map(Arc::from);
        let secrets = SigningSecrets::new(settings.webhook_secrets());
        let webhook_receiver = WebhookReceiver::new(secrets, &metrics);
        let fee_rate = settings.platform_fee;
        let attempts = CardAttempts::new(settings.card_limits);
        // Blocks, and panics without root certificates: both stay in this thread.
        let stripe = tokio::task::spawn_blocking(move || StripeClient::new(&settings, &metrics)).await;
        let stripe =
            stripe.map_err(|_| OperatorError("Stripe: this machine has no root certificates".to_owned()))??;
        events::start_recovery(&db, &clock).await?;
        let recovery_job = jobs::recovery_job(&db, &clock, &stripe);
        let settler = Settler::new(
            (db.clone(), clock.clone()),
            stripe,
            (fee_rate, attempts.clone()),
            shutdown,
            tasks.clone(),
        );
        let worker = settler.clone();
        let work = async move {
            // A restored database may be outdated, so the worker waits until it has caught up.
            if recovering.wait_for_recovery().await {
                worker.run().await;
            }
        };
        tasks.spawn(work.in_current_span());
        let polled = settler.clone();
        let polling_job = Job::every(POLLING_INTERVAL, "settle due payments", move || {
            polled.wake();
            std::future::ready(())
        });
        Ok(ServiceParts {
            consumers: vec![Consumer {
                queue: Queue::Events,
                handler: Arc::new(events::consume),
            }],
            jobs: vec![
                polling_job,
                recovery_job,
                jobs::missing_ledgers_job(&db, &clock, fee_rate),
                idempotency::purge_job(&db, &clock),
                jobs::purge_job(&db, &clock),
            ],
            app: App {
                db,
                clock,
                settler,
                publishable_key,
                webhook_receiver,
                attempts,
            },
            verifier: None,
        })
    }

    async fn command(command: Command, db: Db, clock: Clock) -> Result<String, OperatorError> {
        match command {
            Command::Reconcile { since, adopt, stripe } => jobs::reconcile((since, adopt), *stripe, db, clock).await,
            Command::Payout {
                seller,
                currency,
                amount,
                reference,
            } => {
                let payout = Payout {
                    seller,
                    currency,
                    amount,
                    reference,
                };
                let now = clock.now();
                let due = db.write(move |tx| record_payout(tx, now, &payout)).await;
                let due = due.map_err(|error: PayoutError| OperatorError(error.to_string()))?;
                Ok(format!("recorded; {due} minor units are still due"))
            }
            Command::Ledger => Ok(db.read_internal(jobs::ledger_report).await?),
        }
    }
}

/// The subcommands of the payment service.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Compare the payments of a period with Stripe's, in both directions. Fails if they differ.
    Reconcile {
        /// Start of the period: a time such as 2027-06-01T00:00:00Z, or a duration before now such as 90m, 24h or 7d.
        #[arg(long, value_name = "WHEN")]
        since: Since,
        /// Restore payments that only Stripe has a record of; they then follow their orders. For differing refunds, and for
        /// payments that ended while Stripe holds their money, the running service reads Stripe's state.
        #[arg(long)]
        adopt: bool,
        /// How to reach Stripe.
        #[command(flatten)]
        stripe: Box<Settings>,
    },
    /// Record that money was paid to a seller outside of the marketplace, such as by bank transfer. Balances show it.
    Payout {
        /// The id of the seller.
        #[arg(long)]
        seller: UserId,
        /// ISO 4217, in lower case.
        #[arg(long)]
        currency: Currency,
        /// Minor units of the currency, at most what is due; negative if the seller has paid what was owed, or to correct a payout
        /// that was recorded by mistake.
        #[arg(long, allow_negative_numbers = true)]
        amount: i64,
        /// By which the transfer is found elsewhere; each is recorded once.
        #[arg(long)]
        reference: String,
    },
    /// Show the balance of each account of the ledger, by currency, in minor units.
    Ledger,
}
