//! The implementation of [`chassis::Service`]: schema, settings and wiring.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use backoff::Backoff;
use bus::{Consumer, Queue, outbox};
use chassis::{Context, Job, OperatorError, Samples, SecretArg, Service, ServiceParts};
use db::{Db, Schema, Tx, admin::Invariant};
use rusqlite::Connection;
use sealing::{EncryptionKeys, key_file::KeyFile};
use tokio::sync::{Notify, Semaphore};
use tracing::Instrument;
use values::{Clock, Timestamp};

use crate::{
    api::{Api, App},
    command::{self, Command},
    composition::{Composer, Keys},
    events::{SERVICE_NAME, event_handler},
    jobs::{Mailer, purge_job},
    metrics::{self, MailCounters},
    settings::{KeyFlag, Settings},
    smtp::{MailFolder, Sender, SmtpServer, Transport},
    store, use_cases,
};

/// The notification service.
#[derive(Debug)]
pub struct Notification;

/// How often due mails are searched for without a commit.
const POLLING_INTERVAL: Duration = Duration::from_secs(1);

impl Service for Notification {
    const NAME: &'static str = SERVICE_NAME;
    const ABOUT: &'static str = "Mails people about their accounts, orders, refunds and tickets.";
    const PORT: u16 = 4006;
    const SCHEMA: Schema = Schema {
        service: Self::NAME,
        migrations: &[
            outbox::SCHEMA_V1,
            include_str!("../migrations/001_mails.sql"),
            revocation::SCHEMA_V1,
            audit::SCHEMA_V1,
            audit::SCHEMA_V2,
            include_str!("../migrations/002_mails_about_accounts.sql"),
        ],
    };
    const INVARIANTS: &'static [Invariant] = store::INVARIANTS;
    const BOUNDED_READS: &'static [db::BoundedRead] = store::BOUNDED_READS;

    type Settings = Settings;
    type Command = Command;
    type Api = Api;
    type App = App;

    fn api() -> Api {
        Api
    }

    /// It publishes nothing.
    fn republish(_: &Tx, _: Timestamp, _: Option<Timestamp>, _: Option<String>) -> Result<Option<String>, db::Error> {
        Ok(None)
    }

    fn newest_record_at(conn: &Connection) -> Result<Option<Timestamp>, db::Error> {
        store::newest_event_at(conn)
    }

    fn collect_metrics(conn: &Connection, now: Timestamp, samples: &mut Samples) -> Result<(), db::Error> {
        metrics::collect_metrics(conn, now, samples)
    }

    async fn start(context: Context, settings: Settings) -> Result<ServiceParts<App>, OperatorError> {
        let (rules, now) = (settings.rules(), context.clock.now());
        context.db.write(move |tx| use_cases::start(tx, now, &rules)).await?;
        let mailer = mailer(&context, settings).await?;
        let (worker, polled, recovering) = (mailer.clone(), mailer, context.clone());
        let work = async move {
            // A restored database may be outdated, so the worker waits until it has caught up.
            if recovering.wait_for_recovery().await {
                worker.run().await;
            }
        };
        context.tasks.spawn(work.in_current_span());
        let polling_job = Job::every(POLLING_INTERVAL, "send due mails", move || {
            polled.wake.notify_one();
            std::future::ready(())
        });
        Ok(ServiceParts {
            consumers: vec![Consumer {
                queue: Queue::Events,
                handler: event_handler(rules),
            }],
            jobs: vec![polling_job, purge_job(&context.db, &context.clock)],
            app: App { db: context.db },
            verifier: None,
        })
    }

    async fn command(command: Command, db: Db, clock: Clock) -> Result<String, OperatorError> {
        command::run(command, db, clock).await
    }
}

async fn mailer(context: &Context, settings: Settings) -> Result<Mailer, OperatorError> {
    let database = context
        .db
        .read_internal(|conn| -> Result<_, db::Error> { Ok(conn.path().map(PathBuf::from).unwrap_or_default()) });
    let database = database.await?;
    let (rates, rules) = (settings.rates(), settings.rules());
    let connections = settings.smtp_connections;
    let keys = Keys {
        mail: keys(settings.mail_key.as_ref(), &database).await?,
        admission: keys(settings.admission_key.as_ref(), &database).await?,
    };
    // Files are read and created.
    let prepared = tokio::task::spawn_blocking(move || {
        let transport = transport(&settings, &database)?;
        let sender = Sender {
            from: settings.mail_from,
            reply_to: settings.mail_reply_to,
        };
        Ok::<_, OperatorError>((Composer::new(settings.public_url, keys), sender, transport))
    });
    let (composer, sender, transport) = prepared.await.map_err(OperatorError::new)??;
    Ok(Mailer {
        db: context.db.clone(),
        clock: context.clock.clone(),
        composer: Arc::new(composer),
        sender: Arc::new(sender),
        transport,
        rates,
        rules,
        counters: MailCounters::register(&context.metrics),
        slots: Arc::new(Semaphore::new(usize::try_from(connections).unwrap_or(1))),
        wake: Arc::new(Notify::new()),
        jitter: Arc::new(Mutex::new(Backoff::new(Duration::ZERO, Duration::ZERO))),
        shutdown: context.shutdown.clone(),
        tasks: context.tasks.clone(),
    })
}

/// Returns the keys that are given, else those of a file beside the database.
async fn keys<F: KeyFlag>(given: Option<&SecretArg<F>>, database: &Path) -> Result<EncryptionKeys, OperatorError> {
    if let Some(given) = given {
        return Ok(EncryptionKeys::clone(given));
    }
    let file = KeyFile {
        path: database.with_extension(F::EXTENSION),
        may_create: true,
        advice: "and the service that it is shared with encrypts with it: restore it",
    };
    file.open().await.map_err(OperatorError::new)
}

fn transport(settings: &Settings, database: &Path) -> Result<Transport, OperatorError> {
    if let Some(url) = &settings.smtp_url {
        let hello = settings.mail_from.email.domain();
        let server = SmtpServer::new(url, settings.smtp_ca_file.as_deref(), hello)?;
        return Ok(Transport::Server(Arc::new(server)));
    }
    let usual = database.parent().unwrap_or(Path::new(".")).join("mail");
    let path = settings.mail_folder.as_deref().unwrap_or(&usual);
    let folder = MailFolder::open(path).map_err(|error| OperatorError(format!("{}: {error}", path.display())))?;
    Ok(Transport::Folder(Arc::new(folder)))
}
