use std::{fmt::Debug, future::Future};

use bus::{ConsumeError, DelayLadder};
use db::{Db, Schema, Tx, admin::Invariant};
use events::Envelope;
use metrics::{MetricsRegistry, Samples};
use rusqlite::Connection;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use values::{Clock, Timestamp};

use crate::{Job, Settings, recovery::RecoveryStatus};

/// What a service says of itself; the rest it has from here.
pub trait Service: Send + Sync + 'static {
    /// `order`: its queue, its source on the bus, its database and its binary are named after it.
    const NAME: &'static str;
    /// What it is for, in one sentence.
    const ABOUT: &'static str;
    /// The port that it listens on unless told otherwise.
    const PORT: u16;
    /// Its database.
    const SCHEMA: Schema;
    /// What must be true of every row that it ever wrote.
    const INVARIANTS: &'static [Invariant];

    /// Its own settings; `()` if it has none.
    type Settings: Settings + Clone + Debug + Send + Sync + 'static;
    /// Its own subcommands; [`NoCommand`] if it has none.
    type Command: clap::Subcommand + Debug + Send;
    /// Its HTTP operations: a unit struct, whose handlers take `Data<&Self::App>`.
    type Api: poem_openapi::OpenApi + 'static;
    /// What its handlers work with.
    type App: Clone + Send + Sync + 'static;

    /// Its HTTP operations.
    fn api() -> Self::Api;

    /// Announces the state of one page of aggregates, those after `after`, and says where the next page begins.
    fn republish(tx: &Tx, now: Timestamp, after: Option<String>) -> Result<Option<String>, db::Error>;

    /// Takes back the state of one of its aggregates that it has announced, if its database, which was put back from a
    /// backup, knows none as new; says whether it did. It is shown what anybody said, in that order, and must bear to see
    /// it twice. What others said is only to be looked at for what is needed here: it is heard afterwards, as ever.
    fn recover(tx: &Tx, now: Timestamp, envelope: &Envelope) -> Result<bool, ConsumeError> {
        let _ = (tx, now, envelope);
        Ok(false)
    }

    /// The newest moment that can be read from the database, so that a restored one need not hear everything that is kept
    /// (`None`): what it does not know is not much older.
    fn newest_record_at(conn: &Connection) -> Result<Option<Timestamp>, db::Error> {
        let _ = conn;
        Ok(None)
    }

    /// Reads what `/metrics` tells of its state, for each scrape anew, in one read transaction. Few queries, whose cost
    /// does not grow with the database.
    fn collect_metrics(conn: &Connection, now: Timestamp, samples: &mut Samples) -> Result<(), db::Error> {
        let _ = (conn, now, samples);
        Ok(())
    }

    /// Returns the delay levels of its timers, if it has any. At most one service of a marketplace may have timers.
    fn delay_ladder(settings: &Self::Settings) -> Option<DelayLadder> {
        let _ = settings;
        None
    }

    /// Builds what runs.
    fn start(
        context: Context,
        settings: Self::Settings,
    ) -> impl Future<Output = Result<ServiceParts<Self::App>, OperatorError>> + Send;

    /// Runs one of its own subcommands, and says what it did.
    fn command(
        command: Self::Command,
        db: Db,
        clock: Clock,
    ) -> impl Future<Output = Result<String, OperatorError>> + Send;
}

/// What a service is given to start with.
#[derive(Clone, Debug)]
pub struct Context {
    /// Its database, open and migrated.
    pub db: Db,
    /// Where the time comes from.
    pub clock: Clock,
    /// What it counts.
    pub metrics: MetricsRegistry,
    /// Who issues access tokens: their `iss`.
    pub token_issuer: String,
    /// Whom access tokens are for: their `aud`.
    pub token_audience: String,
    /// Whether the database may be used: [`Context::recovered`] waits for it.
    pub recovered: RecoveryStatus,
    /// Cancelled when the service is to stop.
    pub shutdown: CancellationToken,
    /// Whatever is spawned is spawned here, so that stopping waits for it.
    pub tasks: TaskTracker,
}

impl Context {
    /// Waits until the database may be used: one that was put back from a backup has to catch up first. False when the
    /// service is to stop before that. Handlers, consumers and jobs need not ask.
    pub async fn wait_for_recovery(&self) -> bool {
        let recovered = self.recovered.clone().wait();
        self.shutdown.run_until_cancelled(recovered).await.is_some()
    }
}

/// What a service is made of, once started.
pub struct ServiceParts<App> {
    /// What its handlers work with.
    pub app: App,
    /// Which queues it reads, and what it does with what comes.
    pub consumers: Vec<bus::Consumer>,
    /// What it does from time to time.
    pub jobs: Vec<Job>,
    /// Who verifies access tokens, where that is not the marketplace's usual verifier.
    pub verifier: Option<token::Verifier>,
}

/// Why something could not be done, in a sentence for the operator.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct OperatorError(pub String);

impl OperatorError {
    /// Takes the error's own words.
    #[expect(clippy::needless_pass_by_value, reason = "so that it fits map_err")]
    pub fn new(error: impl ToString) -> Self {
        Self(error.to_string())
    }
}

impl From<db::Error> for OperatorError {
    fn from(error: db::Error) -> Self {
        Self::new(error)
    }
}

/// For a service without subcommands of its own.
#[derive(Debug, clap::Subcommand)]
pub enum NoCommand {}
