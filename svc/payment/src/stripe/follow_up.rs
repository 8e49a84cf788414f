//! What becomes of money that was taken: refunds, disputes, and what Stripe keeps for itself.

use std::collections::HashMap;

use serde::Serialize;
use stripe::{IdempotencyKey, RequestStrategy};
use stripe_client_core::{RequestBuilder, StripeMethod, StripeRequest};
use stripe_core::{
    payment_intent::RetrievePaymentIntent,
    refund::{CreateRefund, ListRefund},
};
use values::Timestamp;

use super::{
    client::Stripe,
    error::{Refusal, lacks_funds, told},
    instrument::Operation,
};
use crate::domain::{
    Aftermath, Answer, Dispute, DisputeStatus, GivenBack, GivenBackStatus, Payment, Refund, RefundCall,
};

/// The most that a page of a list has.
const PAGE: i64 = 100;

/// The request for the disputes of an intent (<https://docs.stripe.com/api/disputes/list>).
#[derive(Serialize)]
struct Disputes<'a> {
    payment_intent: &'a str,
    limit: i64,
}

/// The list of them, as far as it matters: evidence and what networks say of their cases changes with every release.
#[derive(miniserde::Deserialize)]
struct DisputeList {
    data: Vec<StripesDispute>,
}

#[derive(miniserde::Deserialize)]
struct StripesDispute {
    id: String,
    amount: i64,
    currency: String,
    status: String,
    reason: String,
    created: i64,
    balance_transactions: Vec<Booking>,
}

#[derive(miniserde::Deserialize)]
struct Booking {
    amount: i64,
    fee: i64,
    currency: String,
}

impl StripeRequest for Disputes<'_> {
    type Output = DisputeList;

    fn build(&self) -> RequestBuilder {
        RequestBuilder::new(StripeMethod::Get, "/disputes").query(self)
    }
}

/// What a charge tells of what became of it.
struct Charge {
    /// What Stripe has kept of it, in its currency; `None` as long as it does not say.
    fee: Option<(i64, String)>,
    /// Minor units.
    refunded: i64,
    disputed: bool,
}

impl Stripe {
    /// Gives money back, unless Stripe's list says that it has been given back already. Says what was in that list, too.
    pub(crate) async fn give_back(
        &self,
        payment: &Payment,
        refund: &Refund,
        call: &RefundCall,
    ) -> (Vec<GivenBack>, Answer) {
        let Some(intent) = &payment.intent_id else {
            // The database has a CHECK against it.
            return (Vec::new(), Answer::Unknown("no intent is known".to_owned()));
        };
        match self.refunds(intent).await {
            Ok(list) => {
                let ours = list.iter().find(|given| given.refund_id == Some(refund.id));
                let answer = match ours {
                    Some(given) => Answer::GivenBack(given.clone()),
                    None => self.ask_for_refund(payment, intent, refund, call).await,
                };
                (list, answer)
            }
            Err(reason) => (Vec::new(), Answer::Unknown(reason)),
        }
    }

    async fn ask_for_refund(&self, payment: &Payment, intent: &str, refund: &Refund, call: &RefundCall) -> Answer {
        let RefundCall::Ask(key) = call else {
            return Answer::Unknown("Stripe has none, and may forget the key at any time".to_owned());
        };
        let request = CreateRefund::new()
            .payment_intent(intent)
            .amount(refund.amount.amount)
            .metadata(HashMap::from([
                ("order_id".to_owned(), payment.order_id.to_string()),
                ("payment_id".to_owned(), payment.id.to_string()),
                ("refund_id".to_owned(), refund.id.to_string()),
            ]));
        let key = match IdempotencyKey::new(key.clone()) {
            Ok(key) => key,
            Err(error) => return Answer::Unknown(error.to_string()),
        };
        let request = request.customize().request_strategy(RequestStrategy::Idempotent(key));
        let sent = self.observed(Operation::Refund, request.send(&self.client)).await;
        let given = match sent {
            Err(error) if lacks_funds(&error) => return Answer::NotCovered(told(&error)),
            sent => sent.map_err(Refusal::from),
        };
        match given {
            Ok(given) => Answer::GivenBack(given.into()),
            Err(Refusal::Final(failure)) => Answer::Refused(failure.code),
            // The list will tell.
            Err(Refusal::KeyIsSpent(reason)) => Answer::KeyIsSpent(reason),
            Err(Refusal::None(reason)) => Answer::Unknown(reason),
        }
    }

    /// What has become of the money of an intent, or why that is not known. `known` says whether any refund or dispute of it
    /// is known already: then it is asked how they are.
    pub(crate) async fn aftermath(&self, intent: &str, known: bool) -> Result<Aftermath, String> {
        let charge = self.charge(intent).await?;
        Ok(Aftermath {
            refunds: if known || charge.refunded > 0 {
                self.refunds(intent).await?
            } else {
                Vec::new()
            },
            disputes: if known || charge.disputed {
                self.disputes(intent).await?
            } else {
                Vec::new()
            },
            stripe_fee: charge.fee,
        })
    }

    /// How the charge of an intent is, which took the money.
    async fn charge(&self, intent: &str) -> Result<Charge, String> {
        let expand = ["latest_charge.balance_transaction"].map(str::to_owned);
        let retrieve = RetrievePaymentIntent::new(intent).expand(expand);
        let found = self.observed(Operation::Retrieve, retrieve.send(&self.client)).await;
        let found = found.map_err(|error| told(&error))?;
        let charge = found.latest_charge.as_ref().and_then(|charge| charge.as_object());
        let charge = charge.ok_or_else(|| format!("Stripe's {intent} has no charge"))?;
        let booking = charge.balance_transaction.as_ref();
        let booking = booking.and_then(|booking| booking.as_object());
        Ok(Charge {
            fee: booking.map(|booking| (booking.fee, booking.currency.to_string())),
            refunded: charge.amount_refunded,
            disputed: charge.disputed,
        })
    }

    /// All refunds of an intent.
    async fn refunds(&self, intent: &str) -> Result<Vec<GivenBack>, String> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let mut list = ListRefund::new().payment_intent(intent).limit(PAGE);
            if let Some(after) = after {
                list = list.starting_after(after);
            }
            let page = self.observed(Operation::FindRefunds, list.send(&self.client)).await;
            let page = page.map_err(|error| told(&error))?;
            after = page.data.last().map(|refund| refund.id.to_string());
            all.extend(page.data.into_iter().map(GivenBack::from));
            if !page.has_more || after.is_none() {
                return Ok(all);
            }
        }
    }

    /// All disputes of an intent: there is hardly ever more than one.
    async fn disputes(&self, intent: &str) -> Result<Vec<Dispute>, String> {
        let list = Disputes {
            payment_intent: intent,
            limit: PAGE,
        };
        let asked = list.customize().send(&self.client);
        let page = self.observed(Operation::FindDisputes, asked).await;
        let page = page.map_err(|error| told(&error))?;
        Ok(page.data.into_iter().map(Dispute::from).collect())
    }
}

impl From<stripe_core::Refund> for GivenBack {
    fn from(refund: stripe_core::Refund) -> Self {
        let named = refund.metadata.as_ref().and_then(|names| names.get("refund_id"));
        Self {
            id: refund.id.to_string(),
            amount: refund.amount,
            status: GivenBackStatus::of_word(refund.status.as_deref().unwrap_or_default()),
            failure_reason: refund.failure_reason,
            refund_id: named.and_then(|id| id.parse().ok()),
        }
    }
}

impl From<StripesDispute> for Dispute {
    fn from(dispute: StripesDispute) -> Self {
        let bookings = &dispute.balance_transactions;
        // In the currency of the account, which need not be the payment's: only its sign is looked at.
        let balance = bookings.iter().map(|booking| booking.amount).sum::<i64>();
        let account = bookings.first().map(|booking| booking.currency.clone());
        Self {
            amount: dispute.amount,
            status: DisputeStatus::of_stripe(&dispute.status),
            id: dispute.id,
            reason: dispute.reason,
            withdrawn: if balance < 0 { dispute.amount } else { 0 },
            fee: bookings.iter().map(|booking| booking.fee).sum(),
            fee_currency: account.unwrap_or(dispute.currency),
            created_at: Timestamp::from_millis(dispute.created.saturating_mul(1000)),
        }
    }
}
