use std::{fmt::Debug, future::Future};

use bus::{ConsumeError, DelayLadder};
use db::{BoundedRead, Db, Schema, Tx, admin::Invariant};
use events::Envelope;
use metrics::{MetricsRegistry, Samples};
use rusqlite::Connection;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use values::{Clock, Timestamp};

use crate::{Job, Settings, recovery::RecoveryStatus};

/// The parts of a service that differ from other services; the chassis provides the rest.
pub trait Service: Send + Sync + 'static {
    /// The name, such as `order`: of its queue, its source on the bus, its database and its binary.
    const NAME: &'static str;
    /// Its purpose, in one sentence.
    const ABOUT: &'static str;
    /// Its default port.
    const PORT: u16;
    /// The migrations of its database, among them those of the libraries that the chassis uses: outbox, revocation, audit.
    const SCHEMA: Schema;
    /// The invariants of its database.
    const INVARIANTS: &'static [Invariant];
    /// What its statements may read without a key, or sort, and why that is bounded: tests refuse all other scans and sorts.
    const BOUNDED_READS: &'static [BoundedRead];

    /// Its own settings; `()` if it has none.
    type Settings: Settings + Clone + Debug + Send + Sync + 'static;
    /// Its own subcommands; [`NoCommand`] if it has none.
    type Command: clap::Subcommand + Debug + Send;
    /// Its HTTP operations: a unit struct, whose handlers take `Data<&Self::App>`.
    type Api: poem_openapi::OpenApi + 'static;
    /// The state that its handlers use.
    type App: Clone + Send + Sync + 'static;

    /// Returns its HTTP operations.
    fn api() -> Self::Api;

    /// Publishes the state of one page of aggregates, those after the cursor `after`, and returns the next cursor. With
    /// `since` it leaves out those that have not changed since that time.
    fn republish(
        tx: &Tx,
        now: Timestamp,
        since: Option<Timestamp>,
        after: Option<String>,
    ) -> Result<Option<String>, db::Error>;

    /// Recovers an aggregate from an event that the service published, if its restored database has none as new. Returns
    /// whether it did.
    ///
    /// It is called for every event of the journal, in order, and must tolerate repetition. Events of other services are
    /// passed for reference only: they are consumed afterwards as usual.
    fn recover(tx: &Tx, now: Timestamp, envelope: &Envelope) -> Result<bool, ConsumeError> {
        let _ = (tx, now, envelope);
        Ok(false)
    }

    /// Returns the time of the newest record in the database. A restored database consumes the journal from shortly before
    /// that time, or all of it (`None`).
    fn newest_record_at(conn: &Connection) -> Result<Option<Timestamp>, db::Error> {
        let _ = conn;
        Ok(None)
    }

    /// Collects the metrics of its database, in one read transaction for each scrape. The cost of the queries must not
    /// grow with the database.
    fn collect_metrics(conn: &Connection, now: Timestamp, samples: &mut Samples) -> Result<(), db::Error> {
        let _ = (conn, now, samples);
        Ok(())
    }

    /// Returns the delay levels of its timers, if it has any. At most one service of a marketplace may have timers.
    fn delay_ladder(settings: &Self::Settings) -> Option<DelayLadder> {
        let _ = settings;
        None
    }

    /// Builds the handlers' state, the consumers and the jobs.
    fn start(
        context: Context,
        settings: Self::Settings,
    ) -> impl Future<Output = Result<ServiceParts<Self::App>, OperatorError>> + Send;

    /// Runs one of its own subcommands and returns the text to print.
    fn command(
        command: Self::Command,
        db: Db,
        clock: Clock,
    ) -> impl Future<Output = Result<String, OperatorError>> + Send;
}

/// The resources that a service starts with.
#[derive(Clone, Debug)]
pub struct Context {
    /// Its database, open and migrated.
    pub db: Db,
    /// The clock.
    pub clock: Clock,
    /// Its metrics.
    pub metrics: MetricsRegistry,
    /// The issuer of access tokens: their `iss`.
    pub token_issuer: String,
    /// The audience of access tokens: their `aud`.
    pub token_audience: String,
    /// The access tokens that are refused although they have not expired. Auth adds those of the sessions that it ends;
    /// the chassis adds what other services consume from auth.
    pub denied_tokens: token::DenyList,
    /// What is counted for the audit log. The chassis writes it.
    pub refusals: audit::Refusals,
    /// Whether the database may be used: [`Context::wait_for_recovery`] waits for it.
    pub recovered: RecoveryStatus,
    /// Cancelled when the service stops.
    pub shutdown: CancellationToken,
    /// Tracks all spawned tasks, so that the stop waits for them.
    pub tasks: TaskTracker,
}

impl Context {
    /// Waits until the database may be used: a restored one has to catch up first. Returns false if the service stops
    /// before. Handlers, consumers and jobs need not call it: they start afterwards.
    pub async fn wait_for_recovery(&self) -> bool {
        let recovered = self.recovered.clone().wait();
        self.shutdown.run_until_cancelled(recovered).await.is_some()
    }
}

/// The parts of a started service.
pub struct ServiceParts<App> {
    /// The state that its handlers use.
    pub app: App,
    /// Its consumers: a queue and an event handler each.
    pub consumers: Vec<bus::Consumer>,
    /// Its periodic jobs.
    pub jobs: Vec<Job>,
    /// Its verifier of access tokens, if it does not fetch the keys from auth.
    pub verifier: Option<token::Verifier>,
}

/// An error for an operator: what failed and why, in one sentence.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct OperatorError(pub String);

impl OperatorError {
    /// Creates an error with the text of another one.
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

/// The subcommands of a service that has none of its own.
#[derive(Debug, clap::Subcommand)]
pub enum NoCommand {}
