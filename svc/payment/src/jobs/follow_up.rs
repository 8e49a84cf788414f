//! Looks after money that was taken: asks Stripe for refunds that are due, and what has become of it.

use rusqlite::Connection;
use values::{PaymentId, Timestamp};

use super::settler::Settler;
use crate::{
    domain::{Answer, Payment, Refund, RefundCall},
    store,
    use_cases::{record_aftermath, record_refund, unanswered},
};

/// What is to be done about the money of a payment.
#[derive(Debug)]
pub(crate) enum Duty {
    /// Stripe is to be asked for a refund.
    GiveBack(Refund, RefundCall),
    /// It is to be asked what has become of the money. Whether any of it went back already.
    Look(bool),
}

/// What is to be done now about the money of a payment: refunds first.
pub(crate) fn duty(conn: &Connection, id: PaymentId, now: Timestamp) -> Result<Option<(Payment, Duty)>, db::Error> {
    let Some(taking) = store::taking(conn, id)? else {
        return Ok(None);
    };
    let due = store::refund_to_ask_for(conn, id, now)?;
    let due = due.and_then(|refund| refund.due(now).map(|call| Duty::GiveBack(refund, call)));
    let duty = match due {
        Some(duty) => duty,
        None if taking.look_at.is_some_and(|look_at| look_at <= now) => {
            let refunds = store::refunds_of(conn, id)?;
            Duty::Look(!refunds.is_empty() || !store::disputes_of(conn, id)?.is_empty())
        }
        None => return Ok(None),
    };
    Ok(store::payment(conn, id)?.map(|payment| (payment, duty)))
}

impl Settler {
    /// Does what is to be done about the money of a payment, until nothing is, or Stripe does not answer.
    pub(super) async fn look_after(&self, id: PaymentId) -> Result<(), db::Error> {
        loop {
            let now = self.clock.now();
            let duty = self.db.read(move |conn| duty(conn, id, now)).await?;
            let Some((payment, duty)) = duty else { return Ok(()) };
            if !self.stripe.may_be_asked() {
                return Ok(());
            }
            let answered = match duty {
                Duty::GiveBack(refund, call) => self.give_back(&payment, &refund, &call).await?,
                Duty::Look(known) => self.look_at_money(&payment, known, now).await?,
            };
            if !answered || self.shutdown.is_cancelled() {
                return Ok(());
            }
        }
    }

    /// Asks for a refund; says whether Stripe has answered.
    async fn give_back(&self, payment: &Payment, refund: &Refund, call: &RefundCall) -> Result<bool, db::Error> {
        let id = refund.id;
        let asked = self.stripe.give_back(payment, refund, call);
        let Some((list, answer)) = self.unless_stopped(asked).await else {
            return Ok(false);
        };
        match &answer {
            Answer::Unknown(reason) | Answer::KeyIsSpent(reason) => {
                tracing::warn!(payment = %payment.id, refund = %id, reason, "Stripe gave no answer about a refund: it is asked again");
            }
            Answer::NotCovered(reason) => {
                tracing::warn!(payment = %payment.id, refund = %id, reason, "the balance at Stripe does not cover a refund: it is asked for again");
            }
            Answer::Refused(code) => {
                tracing::warn!(payment = %payment.id, refund = %id, code, "Stripe does not give back");
            }
            Answer::GivenBack(_) => {}
        }
        let (answered, now) = (
            matches!(answer, Answer::GivenBack(_) | Answer::Refused(_)),
            self.clock.now(),
        );
        let recorded = self.db.write(move |tx| record_refund(tx, now, id, &list, &answer));
        recorded.await?;
        Ok(answered)
    }

    /// Asks what has become of the money; says whether Stripe has answered.
    async fn look_at_money(&self, payment: &Payment, known: bool, asked_at: Timestamp) -> Result<bool, db::Error> {
        let (id, intent) = (payment.id, payment.intent_id.as_deref().unwrap_or_default());
        let Some(found) = self.unless_stopped(self.stripe.aftermath(intent, known)).await else {
            return Ok(false);
        };
        let now = self.clock.now();
        match found {
            Ok(found) => {
                let learned = self.db.write(move |tx| record_aftermath(tx, now, id, asked_at, &found));
                learned.await?;
                Ok(true)
            }
            Err(reason) => {
                tracing::warn!(payment = %id, reason, "Stripe does not say what became of a payment's money: it is asked again");
                self.db.write(move |tx| unanswered(tx, now, id)).await?;
                Ok(false)
            }
        }
    }
}
