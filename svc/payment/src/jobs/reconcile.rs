//! Compares what is known here with what Stripe knows, both ways.

use std::{
    collections::HashSet,
    fmt::{self, Write},
};

use chassis::{ConfigErrors, OperatorError, Settings as _};
use db::Db;
use metrics::MetricsRegistry;
use rusqlite::Connection;
use values::{Clock, PaymentId, Timestamp};

use crate::{
    domain::{Intent, Learned, Payment, Since, Standing, differences},
    settings::Settings,
    store,
    stripe::Stripe,
    use_cases::{Remembered, remember},
};

/// How many payments are read at once.
const BATCH: u32 = 500;

/// Compares every payment since a moment with Stripe's list, and reports the differences; fails where there are any.
pub(crate) async fn reconcile(
    (since, adopt): (Since, bool),
    settings: Settings,
    db: Db,
    clock: Clock,
) -> Result<String, OperatorError> {
    let mut errors = ConfigErrors::default();
    settings.validate(&mut errors);
    let settings = errors.into_result(settings).map_err(OperatorError::new)?;
    let stripe = tokio::task::spawn_blocking(move || Stripe::new(&settings, &MetricsRegistry::new("payment"))).await;
    let stripe =
        stripe.map_err(|_| OperatorError("Stripe: this machine has no certificates of authorities".to_owned()))??;
    let since = since.before(clock.now());
    let mut report = Report::new(since, clock.now());
    let comparison = Comparison {
        db,
        clock,
        stripe,
        adopt,
    };
    comparison.run(&mut report).await?;
    if report.lines.is_empty() {
        return Ok(report.to_string());
    }
    println!("{report}");
    Err(OperatorError(format!("{} differences", report.lines.len())))
}

/// Minor units of a payment that were given back, as far as is known here.
fn refunded(conn: &Connection, payment: PaymentId) -> Result<i64, db::Error> {
    Ok(store::taking(conn, payment)?.map_or(0, |taking| taking.refunded))
}

struct Comparison {
    db: Db,
    clock: Clock,
    stripe: Stripe,
    adopt: bool,
}

/// What was found.
#[derive(Debug)]
struct Report {
    since: Timestamp,
    until: Timestamp,
    here: u64,
    there: u64,
    /// Payments whose end is not known yet.
    open: u64,
    /// Intents that are not the marketplace's.
    foreign: u64,
    adopted: u64,
    /// The differences.
    lines: Vec<String>,
}

impl Report {
    const fn new(since: Timestamp, until: Timestamp) -> Self {
        Self {
            since,
            until,
            here: 0,
            there: 0,
            open: 0,
            foreign: 0,
            adopted: 0,
            lines: Vec::new(),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} to {}: {} payments here, {} at Stripe; {} still open, {} adopted, {} of Stripe's are not ours",
            self.since, self.until, self.here, self.there, self.open, self.adopted, self.foreign
        )?;
        self.lines.iter().try_for_each(|line| write!(f, "\n  {line}"))?;
        if self.lines.is_empty() {
            f.write_str("\nno difference")?;
        }
        Ok(())
    }
}

impl Comparison {
    async fn run(&self, report: &mut Report) -> Result<(), OperatorError> {
        let mut seen = HashSet::new();
        let (mut after, until) = (None, report.until);
        loop {
            let page = self.stripe.intents((report.since, until), after.as_deref()).await;
            let page = page.map_err(|reason| OperatorError(format!("Stripe does not tell: {reason}")))?;
            for intent in page.intents {
                if let Some(payment) = self.look_here_for(&intent, report).await? {
                    seen.insert(payment);
                }
            }
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        let mut last = String::new();
        loop {
            let (since, after) = (report.since, last.clone());
            let batch = self
                .db
                .read(move |conn| store::began_since(conn, since, &after, BATCH))
                .await?;
            let Some(end) = batch.last() else { return Ok(()) };
            last = end.id.to_string();
            for payment in batch {
                report.here += 1;
                if !seen.contains(&payment.id) {
                    self.look_there_for(&payment, report).await?;
                }
            }
        }
    }

    /// Looks for the payment of an intent.
    async fn look_here_for(&self, intent: &Intent, report: &mut Report) -> Result<Option<PaymentId>, OperatorError> {
        let (id, named) = (intent.id.clone(), intent.payment_id.clone());
        let named = named.and_then(|id| id.parse::<PaymentId>().ok());
        let payment = self.db.read(move |conn| store::of_intent(conn, &id, named)).await?;
        if let Some(payment) = payment {
            report.there += 1;
            self.compare(&payment, intent, report).await?;
            return Ok(Some(payment.id));
        }
        if intent.payment_id.is_none() {
            report.foreign += 1;
            return Ok(None);
        }
        report.there += 1;
        let why = if self.adopt {
            let (intent, now) = (intent.clone(), self.clock.now());
            match self.db.write(move |tx| remember(tx, now, &intent)).await? {
                Remembered::Taken | Remembered::Known => {
                    report.adopted += 1;
                    return Ok(named);
                }
                Remembered::NotYet(why) | Remembered::Never(why) => format!(", and cannot be adopted: {why}"),
            }
        } else {
            String::new()
        };
        let named = intent.payment_id.as_deref().unwrap_or_default();
        report.lines.push(format!(
            "payment {named} ({}): not known here; at Stripe it is {:?} of {} {}{why}",
            intent.id, intent.status, intent.amount, intent.currency
        ));
        Ok(None)
    }

    /// Looks for the intent of a payment that Stripe's list did not name.
    async fn look_there_for(&self, payment: &Payment, report: &mut Report) -> Result<(), OperatorError> {
        let Some(intent) = &payment.intent_id else {
            match Standing::of(payment.status) {
                Standing::Open => report.open += 1,
                // Refused, or never there; or it cost nothing.
                Standing::Over | Standing::Resting => {}
            }
            return Ok(());
        };
        match self.stripe.look(intent).await {
            Learned::Intent(intent) => self.compare(payment, &intent, report).await,
            Learned::Absent => {
                report
                    .lines
                    .push(format!("payment {} ({intent}): not known at Stripe", payment.id));
                Ok(())
            }
            Learned::Refused(failure) => Err(OperatorError(format!(
                "Stripe does not tell of {intent}: {}",
                failure.code
            ))),
            Learned::Unknown(reason) => Err(OperatorError(format!("Stripe does not tell of {intent}: {reason}"))),
        }
    }

    /// Compares one payment. What may have moved between the two looks is looked at once more.
    async fn compare(&self, payment: &Payment, intent: &Intent, report: &mut Report) -> Result<(), OperatorError> {
        let (id, mut payment, mut intent) = (payment.id, payment.clone(), intent.clone());
        let refunded = async || self.db.read(move |conn| refunded(conn, id)).await;
        let mut given_back = refunded().await?;
        if !differences(&payment, given_back, &intent).is_empty() {
            if let Learned::Intent(now) = self.stripe.look(&intent.id).await {
                intent = *now;
            }
            if let Some(now) = self.db.read(move |conn| store::payment(conn, id)).await? {
                payment = now;
            }
            given_back = refunded().await?;
        }
        if Standing::of(payment.status) == Standing::Open {
            report.open += 1;
        }
        if self.adopt && intent.amount_refunded.is_some_and(|amount| amount != given_back) {
            let now = self.clock.now();
            self.db.write(move |tx| store::look_after(tx, id, now)).await?;
        }
        for difference in differences(&payment, given_back, &intent) {
            let mut line = format!("payment {} ({}): ", payment.id, intent.id);
            let _infallible = write!(line, "{difference}");
            report.lines.push(line);
        }
        Ok(())
    }
}
