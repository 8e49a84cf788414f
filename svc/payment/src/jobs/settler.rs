//! The settler: the one worker that calls Stripe about payments, until each is settled.
//!
//! It runs for the request that waits for a payment, after a commit for the payments that its commands name, and
//! periodically for all that are due: so a crash, a timeout or a broken network only delays a call.

mod calls;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use db::{CommittedValues, Db};
use rusqlite::Connection;
use telemetry::{Span, SpanKind, Traceparent};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;
use values::{Clock, PaymentId};

use super::{
    keyed_locks::{KeyedGuard, KeyedLocks},
    task::{DuePayments, Task, next_task, payments_with_tasks},
};
use crate::{
    domain::{BasisPoints, CardAttempts, DueWork, WorkKind},
    store,
    stripe::StripeClient,
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

/// How many intents are looked for at the same time. A look-up reads the list of a day where an account has no search.
const MAX_CONCURRENT_LOOK_UPS: usize = 1;

/// For how many payments captured funds are checked in the background at the same time.
const MAX_CONCURRENT_FOLLOW_UPS: usize = 4;

/// The maximum number of payments that requests settle at the same time.
const MAX_CONCURRENT_REQUESTS: usize = 256;

/// How many payments one pass reads of each kind.
const BATCH: u32 = 64;

/// How many payments that commands have named are taken at once.
const NAMED_BATCH: usize = 64;

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
    look_up_slots: Arc<Semaphore>,
    check_slots: Arc<Semaphore>,
    follow_up_slots: Arc<Semaphore>,
    /// The payments that requests settle. A request that hangs up leaves its task behind.
    request_slots: Arc<Semaphore>,
    /// Starts a pass over all due payments.
    wake: Arc<Notify>,
    /// Whether a due payment was left, because it was being settled or too many were: the next one to end starts a pass.
    is_work_left: Arc<AtomicBool>,
    shutdown: CancellationToken,
    tasks: TaskTracker,
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
    /// The worker, for intents to look for.
    LookUps,
}

impl Caller {
    /// Returns the pauses before repeated calls.
    const fn pauses(self) -> &'static [Duration] {
        match self {
            Self::Request => &REQUEST_RETRY_PAUSES,
            Self::Movements | Self::Checks | Self::LookUps => &[],
        }
    }
}

/// How a call to Stripe ended.
#[derive(Debug)]
enum Outcome {
    /// With a result. Holds the next task of the payment, as it is after the result.
    Answered(Option<Box<Task>>),
    /// Without a result: it is repeated later.
    Unanswered,
    /// Stripe has too many requests: it is repeated when it is due.
    RateLimited,
    /// The service is shutting down.
    Interrupted,
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
            look_up_slots: Arc::new(Semaphore::new(MAX_CONCURRENT_LOOK_UPS)),
            check_slots: Arc::new(Semaphore::new(MAX_CONCURRENT_CHECKS)),
            follow_up_slots: Arc::new(Semaphore::new(MAX_CONCURRENT_FOLLOW_UPS)),
            request_slots: Arc::new(Semaphore::new(MAX_CONCURRENT_REQUESTS)),
            wake: Arc::new(Notify::new()),
            is_work_left: Arc::default(),
            shutdown,
            tasks,
        }
    }

    /// Settles a payment as far as possible now, and waits for it no longer than one call to Stripe may take. Dropping
    /// the future does not stop the work. Does nothing while too many requests settle payments: the payment is due, and
    /// the worker settles it.
    pub(crate) async fn settle(&self, id: PaymentId) {
        let settled = async {
            // Callers that wait for the lock have no slot, so those of one payment leave room for other payments. A
            // wait ends with its caller: then the holder of the lock settles the payment.
            let guard = self.locks.lock(id).await;
            let Ok(slot) = Arc::clone(&self.request_slots).try_acquire_owned() else {
                return;
            };
            let this = self.clone();
            let work = async move {
                this.settle_locked(guard, id, Caller::Request, slot).await;
            };
            let _ = self.tasks.spawn(work.in_current_span()).await;
        };
        // After a timeout or a panic, too, the caller reads the payment from the database.
        let _ = tokio::time::timeout(self.stripe.timeout() + REQUEST_WAIT_MARGIN, settled).await;
    }

    /// Settles due payments until the service shuts down.
    pub(crate) async fn run(self) {
        let named = self.db.committed_values::<DueWork>();
        // Payments may be due from before the start.
        self.wake();
        loop {
            let pass = tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return,
                () = self.wake.notified() => self.settle_due().await,
                () = named.added() => {
                    self.settle_named(&named).await;
                    Ok(())
                }
            };
            if let Err(error) = pass {
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

    /// Starts settling the payments that commands have named since the last call.
    async fn settle_named(&self, named: &CommittedValues<DueWork>) {
        loop {
            let work = named.take(NAMED_BATCH);
            // Due payments stay due until the polling job finds the circuit breaker closed.
            if work.is_empty() || self.stripe.blocked_for().is_some() {
                return;
            }
            for DueWork { payment_id, kind } in work {
                match kind {
                    WorkKind::Movement => self.start_movement(payment_id).await,
                    WorkKind::Check => self.start_check(payment_id, Caller::Checks, &self.check_slots),
                    WorkKind::FollowUp => self.start_check(payment_id, Caller::Checks, &self.follow_up_slots),
                }
            }
        }
    }

    /// Starts settling every due payment that is not being settled.
    async fn settle_due(&self) -> Result<(), db::Error> {
        if self.stripe.blocked_for().is_some() {
            return Ok(());
        }
        let now = self.clock.now();
        let due = self.db.read_internal(move |conn| payments_with_tasks(conn, now, BATCH));
        let DuePayments {
            movements,
            look_ups,
            checks,
            follow_ups,
        } = due.await?;
        if movements.len() >= usize::try_from(BATCH).unwrap_or(usize::MAX) {
            self.leave_work();
        }
        for id in movements {
            self.start_movement(id).await;
        }
        for id in look_ups {
            self.start_check(id, Caller::LookUps, &self.look_up_slots);
        }
        for id in checks {
            self.start_check(id, Caller::Checks, &self.check_slots);
        }
        for id in follow_ups {
            self.start_check(id, Caller::Checks, &self.follow_up_slots);
        }
        Ok(())
    }

    /// Starts moving the money of a payment, when there is a slot for it.
    async fn start_movement(&self, id: PaymentId) {
        let Some(guard) = self.try_lock(id) else { return };
        // Fails only if the semaphore is closed, which it never is.
        if let Ok(slot) = Arc::clone(&self.movement_slots).acquire_owned().await {
            self.spawn(guard, id, Caller::Movements, slot);
        }
    }

    /// Starts checking a payment if there is a slot for it.
    fn start_check(&self, id: PaymentId, caller: Caller, slots: &Arc<Semaphore>) {
        let slot = || Arc::clone(slots).try_acquire_owned().ok();
        // A holder may have ended between the two attempts, without a pass.
        let slot = slot().or_else(|| {
            self.leave_work();
            slot()
        });
        let Some(slot) = slot else { return };
        if let Some(guard) = self.try_lock(id) {
            self.spawn(guard, id, caller, slot);
        }
    }

    /// Takes the lock of a payment, or leaves the payment to the pass after that of its holder.
    fn try_lock(&self, id: PaymentId) -> Option<KeyedGuard> {
        if let Some(guard) = self.locks.try_lock(id) {
            return Some(guard);
        }
        self.leave_work();
        // Its holder may have ended between these two statements, without a pass.
        self.locks.try_lock(id)
    }

    /// Has whichever payment ends next start a pass.
    fn leave_work(&self) {
        self.is_work_left.store(true, Ordering::SeqCst);
    }

    /// Starts settling a payment in the background.
    fn spawn(&self, guard: KeyedGuard, id: PaymentId, caller: Caller, slot: OwnedSemaphorePermit) {
        let this = self.clone();
        let work = async move {
            this.settle_locked(guard, id, caller, slot).await;
        };
        self.tasks.spawn(work.in_current_span());
    }

    /// Settles a payment whose lock is held.
    async fn settle_locked(&self, guard: KeyedGuard, id: PaymentId, caller: Caller, slot: OwnedSemaphorePermit) {
        if let Err(error) = self.settle_in_span(id, caller).await {
            tracing::warn!(payment = %id, %error, "stripe's result could not be stored, will call again");
            self.pause(FAILED_WRITE_PAUSE).await;
            self.leave_work();
        }
        drop(guard);
        drop(slot);
        if self.is_work_left.swap(false, Ordering::SeqCst) {
            self.wake();
        }
    }

    /// Performs the tasks of a payment in a span. It belongs to the trace of the order, linked to the request that caused it:
    /// one trace contains everything about an order.
    async fn settle_in_span(&self, id: PaymentId, caller: Caller) -> Result<(), db::Error> {
        let now = self.clock.now();
        let read =
            move |conn: &Connection| Ok::<_, db::Error>((store::trace_of_order(conn, id)?, next_task(conn, id, now)?));
        let (order, task) = self.db.read_internal(read).await?;
        let Some(task) = task else { return Ok(()) };
        let span = start_span(order);
        let tasks = self.perform_tasks(task, caller).instrument(span.to_tracing());
        let outcome = tasks.await;
        if let Err(error) = &outcome {
            span.fail(error);
        }
        outcome
    }

    /// Performs the tasks of a payment, the first of which is given, until none is due, or Stripe does not answer and the
    /// caller waits no longer.
    async fn perform_tasks(&self, first: Task, caller: Caller) -> Result<(), db::Error> {
        let id = first.payment_id();
        let mut pauses = caller.pauses().iter();
        let mut was_limited = false;
        let mut known = Some(first);
        loop {
            let now = self.clock.now();
            let task = match known.take() {
                Some(task) => task,
                None => match self.db.read_internal(move |conn| next_task(conn, id, now)).await? {
                    Some(task) => task,
                    None => return Ok(()),
                },
            };
            // A buyer who asks again does not bring a look-up forward.
            if (self.stripe.is_rate_limited() || task.is_look_up()) && task.waits_for_its_turn(now) {
                return Ok(());
            }
            // The next pass performs a check among the checks, and a look-up among the look-ups.
            if (caller == Caller::Movements && task.is_check()) || (caller != Caller::LookUps && task.is_look_up()) {
                self.leave_work();
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
                // Stripe's answer may be that it cannot be done: the same is tried again later.
                Outcome::Answered(Some(next)) if !next.waits_for_its_turn(self.clock.now()) => known = Some(*next),
                Outcome::Answered(Some(_)) | Outcome::Unanswered => match pauses.next() {
                    Some(pause) => self.pause(*pause).await,
                    None => return Ok(()),
                },
                Outcome::RateLimited if caller == Caller::Request && !was_limited => {
                    was_limited = true;
                    self.pause(RATE_LIMIT_PAUSE).await;
                }
                Outcome::Answered(None) | Outcome::RateLimited | Outcome::Interrupted => return Ok(()),
            }
            if self.shutdown.is_cancelled() {
                return Ok(());
            }
        }
    }

    async fn pause(&self, pause: Duration) {
        self.shutdown.run_until_cancelled(tokio::time::sleep(pause)).await;
    }
}

/// Starts the span of settling a payment, in the trace of its order.
fn start_span(order: Option<Traceparent>) -> Span {
    let caller = telemetry::current_traceparent();
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
