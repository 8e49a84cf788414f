//! `ticketing-payment reconcile`: compares the payments of a period with Stripe's, in both directions.

use std::{collections::HashSet, fmt};

use audit::Author;
use chassis::{ConfigErrors, OperatorError, Settings as _};
use db::Db;
use metrics::MetricsRegistry;
use values::{Clock, PaymentId, Timestamp};

use crate::{
    domain::{Intent, Payment, Since, StripeResult, differences},
    settings::Settings,
    store,
    stripe::StripeClient,
    use_cases::{RestoreOutcome, request_release, restore_payment},
};

/// How many payments are read at once.
const BATCH: u32 = 500;

/// Compares the payments since a time with Stripe's. Returns the report; fails if there are differences. With `adopt`,
/// restores missing payments, and schedules checks of refunds and of payments that ended while their intents hold money.
pub(crate) async fn reconcile(
    (since, adopt): (Since, bool),
    settings: Settings,
    db: Db,
    clock: Clock,
) -> Result<String, OperatorError> {
    let mut errors = ConfigErrors::default();
    settings.validate(&mut errors);
    let settings = errors.into_result(settings).map_err(OperatorError::new)?;
    let stripe =
        tokio::task::spawn_blocking(move || StripeClient::new(&settings, &MetricsRegistry::new("payment"))).await;
    let stripe = stripe.map_err(|_| OperatorError("Stripe: this machine has no root certificates".to_owned()))??;
    let mut report = Report::new(since.resolve(clock.now()), clock.now());
    let reconciliation = Reconciliation {
        db,
        clock,
        stripe,
        adopt,
    };
    reconciliation.run(&mut report).await?;
    if report.differences.is_empty() {
        return Ok(report.to_string());
    }
    println!("{report}");
    Err(OperatorError(format!("{} differences", report.differences.len())))
}

struct Reconciliation {
    db: Db,
    clock: Clock,
    stripe: StripeClient,
    adopt: bool,
}

/// The result of a comparison.
#[derive(Debug)]
struct Report {
    since: Timestamp,
    until: Timestamp,
    payments: u64,
    intents: u64,
    /// Payments in progress.
    open: u64,
    /// Intents that name no payment.
    foreign: u64,
    /// Payments that were restored.
    adopted: u64,
    differences: Vec<String>,
}

impl Report {
    const fn new(since: Timestamp, until: Timestamp) -> Self {
        Self {
            since,
            until,
            payments: 0,
            intents: 0,
            open: 0,
            foreign: 0,
            adopted: 0,
            differences: Vec::new(),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} to {}: {} payments here, {} at Stripe; {} still open, {} adopted, {} of Stripe's are not ours",
            self.since, self.until, self.payments, self.intents, self.open, self.adopted, self.foreign
        )?;
        self.differences.iter().try_for_each(|line| write!(f, "\n  {line}"))?;
        if self.differences.is_empty() {
            f.write_str("\nno difference")?;
        }
        Ok(())
    }
}

impl Reconciliation {
    async fn run(&self, report: &mut Report) -> Result<(), OperatorError> {
        let compared = self.compare_intents(report).await?;
        self.compare_payments(&compared, report).await
    }

    /// Compares every intent of the period with its payment; returns the payments.
    async fn compare_intents(&self, report: &mut Report) -> Result<HashSet<PaymentId>, OperatorError> {
        let mut compared = HashSet::new();
        let (mut after, until) = (None, report.until);
        loop {
            let page = self.stripe.list_intents((report.since, until), after.as_deref()).await;
            let page = page.map_err(|reason| OperatorError(format!("Stripe's payments cannot be listed: {reason}")))?;
            for intent in page.intents {
                if let Some(payment) = self.find_payment(&intent, report).await? {
                    compared.insert(payment);
                }
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(compared),
            }
        }
    }

    /// Compares every other payment of the period with its intent.
    async fn compare_payments(&self, compared: &HashSet<PaymentId>, report: &mut Report) -> Result<(), OperatorError> {
        let mut last = String::new();
        loop {
            let (since, after) = (report.since, last.clone());
            let batch = self
                .db
                .read_internal(move |conn| store::payments_started_since(conn, since, &after, BATCH))
                .await?;
            let Some(end) = batch.last() else { return Ok(()) };
            last = end.id().to_string();
            for payment in batch {
                report.payments += 1;
                if !compared.contains(&payment.id()) {
                    self.find_intent(&payment, report).await?;
                }
            }
        }
    }

    /// Finds and compares the payment of an intent.
    async fn find_payment(&self, intent: &Intent, report: &mut Report) -> Result<Option<PaymentId>, OperatorError> {
        let (id, named) = (intent.id.clone(), intent.payment_id.clone());
        let named = named.and_then(|id| id.parse::<PaymentId>().ok());
        let payment = self
            .db
            .read_internal(move |conn| store::payment_of_intent(conn, &id, named))
            .await?;
        if let Some(payment) = payment {
            report.intents += 1;
            self.compare(&payment, intent, report).await?;
            return Ok(Some(payment.id()));
        }
        if intent.payment_id.is_none() {
            report.foreign += 1;
            return Ok(None);
        }
        report.intents += 1;
        let reason = if self.adopt {
            let (intent, now, author) = (intent.clone(), self.clock.now(), Author::operator());
            let restored = self.db.write(move |tx| restore_payment(tx, now, &intent, &author));
            match restored.await? {
                RestoreOutcome::Restored | RestoreOutcome::NotMissing => {
                    report.adopted += 1;
                    return Ok(named);
                }
                RestoreOutcome::NotYet(reason) | RestoreOutcome::Impossible(reason) => {
                    format!(", and cannot be adopted: {reason}")
                }
            }
        } else {
            String::new()
        };
        let named = intent.payment_id.as_deref().unwrap_or_default();
        report.differences.push(format!(
            "payment {named} ({}): not known here; at Stripe it is {:?} of {} {}{reason}",
            intent.id, intent.status, intent.amount, intent.currency
        ));
        Ok(None)
    }

    /// Finds and compares the intent of a payment that is not in Stripe's list of the period.
    async fn find_intent(&self, payment: &Payment, report: &mut Report) -> Result<(), OperatorError> {
        let Some(intent) = payment.intent_id() else {
            // Otherwise it was refused, never reached Stripe, or is free.
            if payment.status().is_in_progress() {
                report.open += 1;
            }
            return Ok(());
        };
        match self.stripe.retrieve_intent(intent).await {
            StripeResult::Intent(intent) => self.compare(payment, &intent, report).await,
            StripeResult::NotFound | StripeResult::NotShown => {
                report
                    .differences
                    .push(format!("payment {} ({intent}): not known at Stripe", payment.id()));
                Ok(())
            }
            StripeResult::Refused(failure) => Err(OperatorError(format!(
                "Stripe's {intent} cannot be retrieved: {}",
                failure.code
            ))),
            StripeResult::Unknown(reason) | StripeResult::RateLimited(reason) => Err(OperatorError(format!(
                "Stripe's {intent} cannot be retrieved: {reason}"
            ))),
        }
    }

    /// Compares a payment with its intent. If they differ, both are read again first: one may have changed meanwhile.
    async fn compare(&self, payment: &Payment, intent: &Intent, report: &mut Report) -> Result<(), OperatorError> {
        let (id, mut payment, mut intent) = (payment.id(), payment.clone(), intent.clone());
        let mut refunded = self.refunded(id).await?;
        if !differences(&payment, refunded, &intent).is_empty() {
            if let StripeResult::Intent(current) = self.stripe.retrieve_intent(&intent.id).await {
                intent = *current;
            }
            if let Some(current) = self.db.read_internal(move |conn| store::payment(conn, id)).await? {
                payment = current;
            }
            refunded = self.refunded(id).await?;
        }
        if payment.status().is_in_progress() {
            report.open += 1;
        }
        if self.adopt && intent.amount_refunded.is_some_and(|amount| amount != refunded) {
            let (now, author) = (self.clock.now(), Author::operator());
            let checked = self.db.write(move |tx| -> Result<(), db::Error> {
                if store::request_check(tx, id, now)? {
                    audit::append(tx, now, &author.did("refunds-check", &id))?;
                }
                Ok(())
            });
            checked.await?;
        }
        if self.adopt && payment.status().has_ended() && intent.holds_money() {
            let (intent, now, author) = (intent.clone(), self.clock.now(), Author::operator());
            let checked = self
                .db
                .write(move |tx| request_release(tx, now, id, (&intent.id, intent.status), &author));
            checked.await?;
        }
        for difference in differences(&payment, refunded, &intent) {
            report
                .differences
                .push(format!("payment {} ({}): {difference}", payment.id(), intent.id));
        }
        Ok(())
    }

    /// Returns how many minor units of a payment were refunded.
    async fn refunded(&self, payment: PaymentId) -> Result<i64, db::Error> {
        let funds = self.db.read_internal(move |conn| store::captured_funds(conn, payment));
        Ok(funds.await?.map_or(0, |funds| funds.refunded()))
    }
}
