//! The calls to Stripe: each stores its result, and returns the next task of the payment.

use std::time::Duration;

use values::Timestamp;

use super::{Outcome, Settler};
use crate::{
    domain::{Payment, PaymentStatus, Refund, RefundCall, RefundResult, StripeCall, StripeResult},
    jobs::task::{next_task, next_task_of},
    use_cases::{postpone_follow_up, record_follow_up, record_refund_result, record_stripe_result},
};

/// How long a shutdown waits for Stripe's response. After that, the call is repeated by the next process.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(3);

impl Settler {
    /// Makes the call that a payment's status requires, and stores its result.
    pub(super) async fn call(
        &self,
        payment: &Payment,
        call: StripeCall,
        called_at: Timestamp,
    ) -> Result<Outcome, db::Error> {
        let id = payment.id();
        let Some(result) = self.unless_shut_down(self.stripe.call(call, payment)).await else {
            return Ok(Outcome::Interrupted);
        };
        let without_result = match &result {
            StripeResult::Unknown(reason) => {
                tracing::warn!(payment = %id, ?call, reason, "no result from stripe, will call again");
                Some(Outcome::Unanswered)
            }
            StripeResult::RateLimited(reason) => {
                tracing::warn!(payment = %id, ?call, reason, "too many requests for stripe, will call again");
                Some(Outcome::RateLimited)
            }
            StripeResult::NotShown => {
                tracing::warn!(payment = %id, ?call, "stripe shows no intent yet, will look again");
                Some(Outcome::Unanswered)
            }
            StripeResult::NotFound => {
                tracing::warn!(payment = %id, ?call, "stripe has no such intent");
                None
            }
            _ => None,
        };
        let (now, rules, called) = (self.clock.now(), (self.fee_rate, self.attempts.limits), payment.clone());
        let stored = self.db.write(move |tx| -> Result<_, db::Error> {
            let payment = record_stripe_result(tx, now, rules, &called, (call, called_at), result)?;
            let next = match &payment {
                Some(payment) => next_task_of(tx, payment, now)?,
                None => None,
            };
            Ok((payment, next))
        });
        let (payment, next) = stored.await?;
        if let Some(payment) = payment {
            if payment.status() != PaymentStatus::Started {
                let is_paying = payment.status().is_paying();
                self.attempts.networks.record_result(id, payment.declines(), is_paying);
            }
            if let Some(trouble) = payment.trouble() {
                tracing::error!(payment = %id, trouble, "payment needs an operator");
            }
        }
        Ok(without_result.unwrap_or_else(|| Outcome::Answered(next.map(Box::new))))
    }

    /// Requests a refund, and stores its result.
    pub(super) async fn refund(
        &self,
        payment: &Payment,
        refund: &Refund,
        call: &RefundCall,
    ) -> Result<Outcome, db::Error> {
        let (id, payment_id) = (refund.id(), payment.id());
        let refunded = self.stripe.refund(payment, refund, call);
        let Some((list, result)) = self.unless_shut_down(refunded).await else {
            return Ok(Outcome::Interrupted);
        };
        let is_answered = match &result {
            RefundResult::Created(_) => true,
            RefundResult::Refused(code) => {
                tracing::warn!(payment = %payment.id(), refund = %id, code, "refund refused by stripe");
                true
            }
            RefundResult::Unknown(reason) | RefundResult::KeySpent(reason) => {
                tracing::warn!(
                    payment = %payment.id(), refund = %id, reason, "no result for a refund from stripe, will call again"
                );
                false
            }
            RefundResult::InsufficientBalance(reason) => {
                tracing::warn!(
                    payment = %payment.id(), refund = %id, reason,
                    "refund not covered by the balance at stripe, will call again"
                );
                false
            }
        };
        let now = self.clock.now();
        let stored = self.db.write(move |tx| -> Result<_, db::Error> {
            record_refund_result(tx, now, id, &list, &result)?;
            next_task(tx, payment_id, now)
        });
        let next = stored.await?.map(Box::new);
        Ok(if is_answered {
            Outcome::Answered(next)
        } else {
            Outcome::Unanswered
        })
    }

    /// Checks the captured funds of a payment, and stores Stripe's report.
    pub(super) async fn follow_up(
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
                let stored = self.db.write(move |tx| -> Result<_, db::Error> {
                    record_follow_up(tx, now, id, called_at, &report)?;
                    next_task(tx, id, now)
                });
                Ok(Outcome::Answered(stored.await?.map(Box::new)))
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
}
