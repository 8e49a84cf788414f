//! The state that requests and background tasks share.

use std::{sync::Arc, time::Duration};

use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use values::Clock;

use crate::{
    config::Config,
    error::StripeError,
    faults::ArmedFaults,
    http::{ApiKeys, KeysInUse},
    store::{Database, RequestContext, Tx},
    webhooks::WebhookFaults,
};

/// Everything that a running simulator has: the database, the configuration, faults, and tasks.
pub(crate) struct SimState {
    pub(crate) database: Database,
    pub(crate) api_keys: ApiKeys,
    pub(crate) clock: Clock,
    pub(crate) webhook_backoff: Duration,
    pub(crate) webhook_attempts: u32,
    pub(crate) scheduled_delay: Option<Duration>,
    pub(crate) faults: ArmedFaults,
    pub(crate) webhook_faults: WebhookFaults,
    pub(crate) keys_in_use: KeysInUse,
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
    /// Notified after each transaction: there may be deliveries to send.
    pub(crate) deliveries_changed: Notify,
    /// Notified after each transaction: there may be scheduled effects.
    pub(crate) schedule_changed: Notify,
}

impl SimState {
    pub(crate) fn new(database: Database, config: Config) -> Self {
        Self {
            database,
            api_keys: ApiKeys {
                secret: config.secret_key,
                publishable: config.publishable_key,
            },
            clock: config.clock,
            webhook_backoff: config.webhook_backoff,
            webhook_attempts: config.webhook_attempts.max(1),
            scheduled_delay: config.scheduled_delay,
            faults: ArmedFaults::default(),
            webhook_faults: WebhookFaults::default(),
            keys_in_use: KeysInUse::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            deliveries_changed: Notify::new(),
            schedule_changed: Notify::new(),
        }
    }

    /// Runs database work off the async threads.
    pub(crate) async fn run_blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, StripeError> + Send + 'static,
    ) -> Result<T, StripeError> {
        let state = self.clone();
        self.tasks
            .spawn_blocking(move || work(&state))
            .await
            .map_err(StripeError::internal)?
    }

    /// Runs a transaction that belongs to no request under `/v1`, and wakes the background tasks.
    pub(crate) async fn transaction<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Tx<'_>) -> Result<T, StripeError> + Send + 'static,
    ) -> Result<T, StripeError> {
        let result = self.background_transaction(work).await;
        self.notify_changed();
        result
    }

    /// Runs a transaction of a background task, which does not wake itself.
    pub(crate) async fn background_transaction<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Tx<'_>) -> Result<T, StripeError> + Send + 'static,
    ) -> Result<T, StripeError> {
        self.run_blocking(move |state| state.blocking_transaction(work)).await
    }

    /// Runs a transaction on this thread.
    pub(crate) fn blocking_transaction<T>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, StripeError>,
    ) -> Result<T, StripeError> {
        let request = RequestContext::new(String::new())?;
        let now = self.clock.now();
        self.database
            .transaction(|connection| work(&Tx::new(connection, now, &request)))
    }

    /// Wakes the background tasks: a transaction was committed.
    pub(crate) fn notify_changed(&self) {
        self.deliveries_changed.notify_one();
        self.schedule_changed.notify_one();
    }
}
