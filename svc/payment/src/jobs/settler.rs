//! Asks Stripe what is to be asked, until every payment is settled: at once for whoever waits, and again and again for
//! what a crash, a timeout or a broken network has left open.

use std::{sync::Arc, time::Duration};

use db::Db;
use rusqlite::Connection;
use tokio::sync::{Notify, Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use trace::{Kind, Span};
use values::{Clock, PaymentId, Timestamp};

use super::keyed_locks::{Turn, Turns};
use crate::{
    domain::{BasisPoints, Call, Learned},
    store,
    stripe::Stripe,
    use_cases::keep,
};

/// The pauses between the tries while somebody waits for the result.
const QUICK_PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(800)];

/// How many payments are settled at once in the background.
const AT_ONCE: usize = 16;

/// How many payments are looked for at once.
const BATCH: u32 = 64;

/// How long an answer of Stripe is waited for when the service stops: what is not heard then is asked again later.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// The pause after an answer could not be written down, so that a full disk does not become a stream of requests.
const NOT_WRITTEN: Duration = Duration::from_secs(1);

/// Settles payments. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Settler {
    pub(super) db: Db,
    pub(super) clock: Clock,
    pub(super) stripe: Stripe,
    /// The platform's share of what is taken from now on.
    share: BasisPoints,
    turns: Turns,
    at_once: Arc<Semaphore>,
    /// There may be something to do that no commit tells of.
    wake: Arc<Notify>,
    pub(super) shutdown: CancellationToken,
    tasks: TaskTracker,
}

impl Settler {
    pub(crate) fn new(
        (db, clock): (Db, Clock),
        stripe: Stripe,
        share: BasisPoints,
        shutdown: CancellationToken,
        tasks: TaskTracker,
    ) -> Self {
        Self {
            db,
            clock,
            stripe,
            share,
            turns: Turns::default(),
            at_once: Arc::new(Semaphore::new(AT_ONCE)),
            wake: Arc::new(Notify::new()),
            shutdown,
            tasks,
        }
    }

    /// Settles a payment as far as can be now, and waits for it no longer than a call to Stripe may take. A caller that
    /// goes away stops nothing.
    pub(crate) async fn settle(&self, id: PaymentId) {
        let this = self.clone();
        let work = self.tasks.spawn(trace::context().scope(async move {
            let turn = this.turns.wait(id).await;
            this.drive(turn, id, &QUICK_PAUSES).await;
        }));
        // Too late, or panicked: what has become of the payment is read from the database in any case.
        let _ = tokio::time::timeout(self.stripe.timeout() + Duration::from_secs(1), work).await;
    }

    /// Looks through what is open, now and after every commit, until the service stops.
    pub(crate) async fn run(self) {
        let mut commits = self.db.commits();
        loop {
            tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return,
                more = commits.changed() => if more.is_err() { return },
                () = self.wake.notified() => {}
            }
            if let Err(error) = self.pass().await {
                tracing::warn!(%error, "open payments could not be looked for");
            }
        }
    }

    /// How long Stripe is not asked, where it did not answer lately.
    pub(crate) fn rests_for(&self) -> Option<Duration> {
        self.stripe.rests_for()
    }

    /// Has a look through what is open.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    async fn pass(&self) -> Result<(), db::Error> {
        // What is due stays due; the look every two seconds comes back to it.
        if self.stripe.rests_for().is_some() {
            return Ok(());
        }
        let now = self.clock.now();
        for id in self.db.read(move |conn| due(conn, now)).await? {
            // Whoever has it now looks again when done.
            let Some(turn) = self.turns.take(id) else { continue };
            let Ok(place) = Arc::clone(&self.at_once).acquire_owned().await else {
                return Ok(());
            };
            let this = self.clone();
            self.tasks.spawn(trace::context().scope(async move {
                this.drive(turn, id, &[]).await;
                drop(place);
            }));
        }
        Ok(())
    }

    /// Moves a payment until it rests.
    async fn drive(&self, turn: Turn, id: PaymentId, pauses: &[Duration]) {
        let mut step = self.step(id).await;
        let work = async {
            self.advance(id, pauses).await?;
            self.look_after(id).await
        };
        if let Err(error) = step.context().scope(work).await {
            step.fail(&error);
            tracing::warn!(payment = %id, %error, "what Stripe answered could not be written down: it is asked again");
            self.pause(NOT_WRITTEN).await;
        }
        drop(step);
        drop(turn);
        // Something may have happened to it since it was looked at last.
        self.wake();
    }

    /// The step of settling a payment. It belongs to the trace of the order, whoever has asked: so the one trace of an
    /// order tells all of it.
    async fn step(&self, id: PaymentId) -> Span {
        let asked = trace::current();
        // Only for knowing: whatever goes wrong here goes wrong again where it matters.
        let order = self
            .db
            .read(move |conn| store::trace_of_order(conn, id))
            .await
            .ok()
            .flatten();
        let elsewhere = asked.zip(order).filter(|(asked, order)| !asked.is_kin_of(*order));
        let cause = elsewhere.map(|(_, order)| order).or(asked).or(order);
        let mut step = trace::context()
            .with(cause)
            .span(Kind::Internal, format_args!("settle payment"));
        if let Some((asked, _)) = elsewhere {
            step.link(asked);
        }
        step
    }

    /// Asks Stripe until there is nothing more to ask, or no answer.
    async fn advance(&self, id: PaymentId, pauses: &[Duration]) -> Result<(), db::Error> {
        let mut pauses = pauses.iter();
        loop {
            let now = self.clock.now();
            let payment = self.db.read(move |conn| store::payment(conn, id)).await?;
            let Some((payment, call)) = payment.and_then(|payment| payment.due(now).map(|call| (payment, call))) else {
                return Ok(());
            };
            if !self.stripe.may_be_asked() {
                return Ok(());
            }
            let asked = self.stripe.ask(call, &payment);
            let Some(learned) = self.unless_stopped(asked).await else {
                return Ok(());
            };
            let open = matches!(learned, Learned::Unknown(_));
            self.write_down(id, (call, now), learned).await?;
            if open {
                match pauses.next() {
                    Some(pause) => self.pause(*pause).await,
                    None => return Ok(()),
                }
                if self.shutdown.is_cancelled() {
                    return Ok(());
                }
            }
        }
    }

    async fn write_down(
        &self,
        id: PaymentId,
        (call, asked_at): (Call, Timestamp),
        learned: Learned,
    ) -> Result<(), db::Error> {
        if let Learned::Unknown(reason) = &learned {
            tracing::warn!(payment = %id, ?call, reason, "Stripe gave no answer: it is asked again");
        }
        let (now, share) = (self.clock.now(), self.share);
        let payment = self
            .db
            .write(move |tx| keep(tx, now, share, id, (call, asked_at), learned));
        let payment = payment.await?;
        if let Some(trouble) = payment.and_then(|payment| payment.trouble) {
            tracing::error!(payment = %id, trouble, "a payment waits for a person");
        }
        Ok(())
    }

    /// Waits for Stripe, but not much longer than the service runs.
    pub(super) async fn unless_stopped<T>(&self, asked: impl Future<Output = T>) -> Option<T> {
        let stopped = async {
            self.shutdown.cancelled().await;
            tokio::time::sleep(LAST_WORDS).await;
        };
        tokio::select! {
            biased;
            answer = asked => Some(answer),
            () = stopped => None,
        }
    }

    async fn pause(&self, pause: Duration) {
        self.shutdown.run_until_cancelled(tokio::time::sleep(pause)).await;
    }
}

/// The payments about which Stripe is to be asked now.
pub(crate) fn due(conn: &Connection, now: Timestamp) -> Result<Vec<PaymentId>, db::Error> {
    let mut due = store::unsettled(conn, now, BATCH)?;
    due.extend(store::to_look_after(conn, now, BATCH)?);
    Ok(due)
}
