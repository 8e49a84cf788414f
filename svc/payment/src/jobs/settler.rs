//! The settler: the one worker that calls Stripe about payments, until each is settled.
//!
//! It runs for the request that waits for a payment, after every commit, and periodically: so a crash, a timeout or a
//! broken network only delays a call.

use std::{sync::Arc, time::Duration};

use db::Db;
use telemetry::{Span, SpanKind};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;
use values::{Clock, PaymentId, Timestamp};

use super::{
    keyed_locks::{KeyedGuard, KeyedLocks},
    task::{DuePayments, Task, next_task, payments_with_tasks},
};
use crate::{
    domain::{
        BasisPoints, CardAttempts, Payment, PaymentStatus, Refund, RefundCall, RefundResult, StripeCall, StripeResult,
    },
    store,
    stripe::StripeClient,
    use_cases::{postpone_follow_up, record_follow_up, record_refund_result, record_stripe_result},
};

/// The pauses before repeated calls while a request waits for the payment.
const REQUEST_RETRY_PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(800)];

/// The pause before a request repeats, once, a call that Stripe refused for its rate. The call is due by then.
const RATE_LIMIT_PAUSE: Duration = Duration::from_secs(1);

/// For how many payments money moves in the background at the same time.
const MAX_CONCURRENT_MOVEMENTS: usize = 16;

/// How many payments are checked in the background at the same time. Checks have their own limit, so that any number of
/// them delays no capture.
const MAX_CONCURRENT_CHECKS: usize = 16;

/// For how many payments captured funds are checked in the background at the same time.
const MAX_CONCURRENT_FOLLOW_UPS: usize = 4;

/// The maximum number of payments that requests settle at the same time.
const MAX_CONCURRENT_REQUESTS: usize = 256;

/// How many payments one pass reads.
const BATCH: u32 = 64;

/// How long a shutdown waits for Stripe's response. After that, the call is repeated by the next process.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(3);

/// The pause after a failed write, so that a full disk does not cause a stream of requests to Stripe.
const FAILED_WRITE_PAUSE: Duration = Duration::from_secs(1);

/// How much longer than one call to Stripe a request waits for its payment.
const REQUEST_WAIT_MARGIN: Duration = Duration::from_secs(1);

/// Settles payments. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Settler {
    db: Db,
    clock: Clock,
    stripe: StripeClient,
    /// The platform's share of payments that are captured from now on.
    fee_rate: BasisPoints,
    attempts: CardAttempts,
    locks: KeyedLocks,
    movement_slots: Arc<Semaphore>,
    check_slots: Arc<Semaphore>,
    follow_up_slots: Arc<Semaphore>,
    /// The payments that requests settle. A request that hangs up leaves its task behind.
    request_slots: Arc<Semaphore>,
    /// Starts a pass without a commit.
    wake: Arc<Notify>,
    shutdown: CancellationToken,
    tasks: TaskTracker,
}

/// How a call to Stripe ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Outcome {
    /// With a result.
    Answered,
    /// Without a result: it is repeated later.
    Unanswered,
    /// Stripe has too many requests: it is repeated when it is due.
    RateLimited,
    /// The service is shutting down.
    Interrupted,
}

/// On whose behalf payments are settled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Caller {
    /// A request that waits for the payment.
    Request,
    /// The worker, for payments whose money has to move.
    Movements,
    /// The worker, for payments to check.
    Checks,
}

impl Caller {
    /// Returns the pauses before repeated calls.
    const fn pauses(self) -> &'static [Duration] {
        match self {
            Self::Request => &REQUEST_RETRY_PAUSES,
            Self::Movements | Self::Checks => &[],
        }
    }
}

impl Settler {
    pub(crate) fn new(
        (db, clock): (Db, Clock),
        stripe: StripeClient,
        (fee_rate, attempts): (BasisPoints, CardAttempts),
        shutdown: CancellationToken,
        tasks: TaskTracker,
    ) -> Self {
        Self {
            db,
            clock,
            stripe,
            fee_rate,
            attempts,
            locks: KeyedLocks::default(),
            movement_slots: Arc::new(Semaphore::new(MAX_CONCURRENT_MOVEMENTS)),
            check_slots: Arc::new(Semaphore::new(MAX_CONCURRENT_CHECKS)),
            follow_up_slots: Arc::new(Semaphore::new(MAX_CONCURRENT_FOLLOW_UPS)),
            request_slots: Arc::new(Semaphore::new(MAX_CONCURRENT_REQUESTS)),
            wake: Arc::new(Notify::new()),
            shutdown,
            tasks,
        }
    }

    /// Settles a payment as far as possible now, and waits for it no longer than one call to Stripe may take. Dropping the
    /// future does not stop the work. While too many requests settle payments, it returns at once: the payment is due, and
    /// the worker settles it.
    pub(crate) async fn settle(&self, id: PaymentId) {
        let Ok(slot) = Arc::clone(&self.request_slots).try_acquire_owned() else {
            return;
        };
        let this = self.clone();
        let work = async move {
            let guard = this.locks.lock(id).await;
            this.settle_locked(guard, id, Caller::Request).await;
            drop(slot);
        };
        let work = self.tasks.spawn(work.in_current_span());
        // After a timeout or a panic, too, the caller reads the payment from the database.
        let _ = tokio::time::timeout(self.stripe.timeout() + REQUEST_WAIT_MARGIN, work).await;
    }

    /// Settles due payments, now and after every commit, until the service shuts down.
    pub(crate) async fn run(self) {
        let mut commits = self.db.commits();
        loop {
            tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return,
                more = commits.changed() => if more.is_err() { return },
                () = self.wake.notified() => {}
            }
            if let Err(error) = self.settle_due().await {
                tracing::warn!(%error, "due payments could not be read");
            }
        }
    }

    /// For how long the circuit breaker allows no call to Stripe.
    pub(crate) fn blocked_for(&self) -> Option<Duration> {
        self.stripe.blocked_for()
    }

    /// Starts a pass over due payments.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Starts settling every due payment that is not being settled.
    async fn settle_due(&self) -> Result<(), db::Error> {
        // Due payments stay due until the polling job finds the circuit breaker closed.
        if self.stripe.blocked_for().is_some() {
            return Ok(());
        }
        let now = self.clock.now();
        let due = self.db.read_internal(move |conn| payments_with_tasks(conn, now, BATCH));
        let DuePayments {
            movements,
            checks,
            follow_ups,
        } = due.await?;
        for id in movements {
            // The holder of the lock starts another pass when it is done.
            let Some(guard) = self.locks.try_lock(id) else { continue };
            let Ok(slot) = Arc::clone(&self.movement_slots).acquire_owned().await else {
                return Ok(());
            };
            self.spawn(guard, id, Caller::Movements, slot);
        }
        self.spawn_checks(checks, &self.check_slots);
        self.spawn_checks(follow_ups, &self.follow_up_slots);
        Ok(())
    }

    /// Starts checks while there are free slots. Whichever check ends first starts another pass.
    fn spawn_checks(&self, payments: Vec<PaymentId>, slots: &Arc<Semaphore>) {
        for id in payments {
            let Ok(slot) = Arc::clone(slots).try_acquire_owned() else {
                return;
            };
            if let Some(guard) = self.locks.try_lock(id) {
                self.spawn(guard, id, Caller::Checks, slot);
            }
        }
    }

    /// Starts settling a payment in the background.
    fn spawn(&self, guard: KeyedGuard, id: PaymentId, caller: Caller, slot: OwnedSemaphorePermit) {
        let this = self.clone();
        let work = async move {
            this.settle_locked(guard, id, caller).await;
            drop(slot);
        };
        self.tasks.spawn(work.in_current_span());
    }

    /// Settles a payment whose lock is held.
    async fn settle_locked(&self, guard: KeyedGuard, id: PaymentId, caller: Caller) {
        let span = self.start_span(id).await;
        let tasks = self.perform_tasks(id, caller).instrument(span.to_tracing());
        if let Err(error) = tasks.await {
            span.fail(&error);
            tracing::warn!(payment = %id, %error, "stripe's result could not be stored, will call again");
            self.pause(FAILED_WRITE_PAUSE).await;
        }
        drop(span);
        drop(guard);
        // A commit may have changed the payment since its last task.
        self.wake();
    }

    /// Starts the span of settling a payment. It belongs to the trace of the order, linked to the request that caused it:
    /// one trace contains everything about an order.
    async fn start_span(&self, id: PaymentId) -> Span {
        let caller = telemetry::current_traceparent();
        // An error only costs the trace; it occurs again where the payment is read.
        let order = self
            .db
            .read_internal(move |conn| store::trace_of_order(conn, id))
            .await
            .ok()
            .flatten();
        let unrelated = caller
            .zip(order)
            .filter(|(caller, order)| !caller.is_same_trace(*order));
        let name = format_args!("settle payment");
        let span = match unrelated.map(|(_, order)| order).or(caller).or(order) {
            Some(parent) => Span::entry(&tracing::Span::current(), SpanKind::Internal, name, Some(parent)),
            None => Span::inner(SpanKind::Internal, name),
        };
        if let Some((caller, _)) = unrelated {
            span.link(caller);
        }
        span
    }

    /// Performs the tasks of a payment until none is due, or Stripe does not answer and the caller waits no longer.
    async fn perform_tasks(&self, id: PaymentId, caller: Caller) -> Result<(), db::Error> {
        let mut pauses = caller.pauses().iter();
        let mut was_limited = false;
        loop {
            let now = self.clock.now();
            let Some(task) = self.db.read_internal(move |conn| next_task(conn, id, now)).await? else {
                return Ok(());
            };
            // The next pass performs a check among the checks.
            if caller == Caller::Movements && task.is_check() {
                return Ok(());
            }
            if self.stripe.is_rate_limited() && task.waits_for_its_turn(now) {
                return Ok(());
            }
            if !self.stripe.allows_request() {
                return Ok(());
            }
            let outcome = match task {
                Task::Call(payment, call) => self.call(&payment, call, now).await?,
                Task::Refund(payment, refund, call) => self.refund(&payment, &refund, &call).await?,
                Task::FollowUp(payment, has_reversals) => self.follow_up(&payment, has_reversals, now).await?,
            };
            match outcome {
                Outcome::Answered => {}
                Outcome::Unanswered => match pauses.next() {
                    Some(pause) => self.pause(*pause).await,
                    None => return Ok(()),
                },
                Outcome::RateLimited if caller == Caller::Request && !was_limited => {
                    was_limited = true;
                    self.pause(RATE_LIMIT_PAUSE).await;
                }
                Outcome::RateLimited | Outcome::Interrupted => return Ok(()),
            }
            if self.shutdown.is_cancelled() {
                return Ok(());
            }
        }
    }

    /// Makes the call that a payment's status requires, and stores its result.
    async fn call(&self, payment: &Payment, call: StripeCall, called_at: Timestamp) -> Result<Outcome, db::Error> {
        let id = payment.id();
        let Some(result) = self.unless_shut_down(self.stripe.call(call, payment)).await else {
            return Ok(Outcome::Interrupted);
        };
        let outcome = match &result {
            StripeResult::Unknown(reason) => {
                tracing::warn!(payment = %id, ?call, reason, "no result from stripe, will call again");
                Outcome::Unanswered
            }
            StripeResult::RateLimited(reason) => {
                tracing::warn!(payment = %id, ?call, reason, "too many requests for stripe, will call again");
                Outcome::RateLimited
            }
            _ => Outcome::Answered,
        };
        let (now, rules) = (self.clock.now(), (self.fee_rate, self.attempts.limits));
        let stored = self
            .db
            .write(move |tx| record_stripe_result(tx, now, rules, id, (call, called_at), result));
        if let Some(payment) = stored.await? {
            if payment.status() != PaymentStatus::Started {
                let is_paying = payment.status().is_paying();
                self.attempts.networks.record_result(id, payment.declines(), is_paying);
            }
            if let Some(trouble) = payment.trouble() {
                tracing::error!(payment = %id, trouble, "payment needs an operator");
            }
        }
        Ok(outcome)
    }

    /// Requests a refund, and stores its result.
    async fn refund(&self, payment: &Payment, refund: &Refund, call: &RefundCall) -> Result<Outcome, db::Error> {
        let id = refund.id();
        let refunded = self.stripe.refund(payment, refund, call);
        let Some((list, result)) = self.unless_shut_down(refunded).await else {
            return Ok(Outcome::Interrupted);
        };
        let outcome = match &result {
            RefundResult::Created(_) => Outcome::Answered,
            RefundResult::Refused(code) => {
                tracing::warn!(payment = %payment.id(), refund = %id, code, "refund refused by stripe");
                Outcome::Answered
            }
            RefundResult::Unknown(reason) | RefundResult::KeySpent(reason) => {
                tracing::warn!(
                    payment = %payment.id(), refund = %id, reason, "no result for a refund from stripe, will call again"
                );
                Outcome::Unanswered
            }
            RefundResult::InsufficientBalance(reason) => {
                tracing::warn!(
                    payment = %payment.id(), refund = %id, reason,
                    "refund not covered by the balance at stripe, will call again"
                );
                Outcome::Unanswered
            }
        };
        let now = self.clock.now();
        self.db
            .write(move |tx| record_refund_result(tx, now, id, &list, &result))
            .await?;
        Ok(outcome)
    }

    /// Checks the captured funds of a payment, and stores Stripe's report.
    async fn follow_up(
        &self,
        payment: &Payment,
        has_reversals: bool,
        called_at: Timestamp,
    ) -> Result<Outcome, db::Error> {
        let (id, intent) = (payment.id(), payment.intent_id().unwrap_or_default());
        let report = self.stripe.follow_up(intent, has_reversals);
        let Some(report) = self.unless_shut_down(report).await else {
            return Ok(Outcome::Interrupted);
        };
        let now = self.clock.now();
        match report {
            Ok(report) => {
                self.db
                    .write(move |tx| record_follow_up(tx, now, id, called_at, &report))
                    .await?;
                Ok(Outcome::Answered)
            }
            Err(reason) => {
                tracing::warn!(payment = %id, reason, "captured funds could not be checked, will call again");
                self.db.write(move |tx| postpone_follow_up(tx, now, id)).await?;
                Ok(Outcome::Unanswered)
            }
        }
    }

    /// Waits for Stripe, but after the start of a shutdown no longer than [`SHUTDOWN_TIMEOUT`].
    async fn unless_shut_down<T>(&self, response: impl Future<Output = T>) -> Option<T> {
        let timeout = async {
            self.shutdown.cancelled().await;
            tokio::time::sleep(SHUTDOWN_TIMEOUT).await;
        };
        tokio::select! {
            biased;
            response = response => Some(response),
            () = timeout => None,
        }
    }

    async fn pause(&self, pause: Duration) {
        self.shutdown.run_until_cancelled(tokio::time::sleep(pause)).await;
    }
}
