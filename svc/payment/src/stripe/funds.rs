//! Captured money at Stripe: fee, refunds and disputes.

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
    charge::{CHARGE_WITH_FEE, charged_funds},
    client::StripeClient,
    error::{RequestFailure, is_insufficient_balance, log_text},
    transport::Operation,
};
use crate::domain::{
    ChargedFunds, Dispute, DisputeStatus, FollowUpReport, Payment, Refund, RefundCall, RefundResult, StripeRefund,
    StripeRefundStatus,
};

/// The most items that a page of a list may have.
const PAGE_SIZE: i64 = 100;

/// The request for the disputes of an intent (<https://docs.stripe.com/api/disputes/list>).
#[derive(Serialize)]
struct ListDisputes<'a> {
    payment_intent: &'a str,
    limit: i64,
}

/// The fields of the list that the service uses. The typed list of async-stripe fails on evidence fields, which change
/// with every API release.
#[derive(miniserde::Deserialize)]
struct DisputeList {
    data: Vec<DisputeObject>,
}

#[derive(miniserde::Deserialize)]
struct DisputeObject {
    id: String,
    amount: i64,
    currency: String,
    status: String,
    reason: String,
    created: i64,
    balance_transactions: Vec<BalanceTransaction>,
}

#[derive(miniserde::Deserialize)]
struct BalanceTransaction {
    amount: i64,
    fee: i64,
    currency: String,
}

impl StripeRequest for ListDisputes<'_> {
    type Output = DisputeList;

    fn build(&self) -> RequestBuilder {
        RequestBuilder::new(StripeMethod::Get, "/disputes").query(self)
    }
}

impl StripeClient {
    /// Creates a refund unless Stripe's list contains it; returns that list, too.
    pub(crate) async fn refund(
        &self,
        payment: &Payment,
        refund: &Refund,
        call: &RefundCall,
    ) -> (Vec<StripeRefund>, RefundResult) {
        let Some(intent) = payment.intent_id() else {
            // A CHECK of the database prevents it.
            return (
                Vec::new(),
                RefundResult::Unknown("the payment has no intent".to_owned()),
            );
        };
        match self.list_refunds(intent).await {
            Ok(list) => {
                let existing = list.iter().find(|listed| listed.refund_id == Some(refund.id()));
                let result = match existing {
                    Some(existing) => RefundResult::Created(existing.clone()),
                    None => self.create_refund(payment, intent, refund, call).await,
                };
                (list, result)
            }
            Err(reason) => (Vec::new(), RefundResult::Unknown(reason)),
        }
    }

    async fn create_refund(&self, payment: &Payment, intent: &str, refund: &Refund, call: &RefundCall) -> RefundResult {
        let RefundCall::Create(key) = call else {
            return RefundResult::Unknown("not in the list, and the key may expire at any moment".to_owned());
        };
        let request = CreateRefund::new()
            .payment_intent(intent)
            .amount(refund.amount().amount)
            .metadata(HashMap::from([
                ("order_id".to_owned(), payment.order_id().to_string()),
                ("payment_id".to_owned(), payment.id().to_string()),
                ("refund_id".to_owned(), refund.id().to_string()),
            ]));
        let key = match IdempotencyKey::new(key.clone()) {
            Ok(key) => key,
            Err(error) => return RefundResult::Unknown(error.to_string()),
        };
        let request = request.customize().request_strategy(RequestStrategy::Idempotent(key));
        let response = request.send(self.transport.client());
        match self.transport.observe(Operation::CreateRefund, response).await {
            Ok(created) => RefundResult::Created(created.into()),
            Err(error) if is_insufficient_balance(&error) => RefundResult::InsufficientBalance(log_text(&error)),
            Err(error) => match RequestFailure::from(error) {
                RequestFailure::Refused(failure) => RefundResult::Refused(failure.code),
                RequestFailure::KeySpent(reason) => RefundResult::KeySpent(reason),
                RequestFailure::Unknown(reason) | RequestFailure::RateLimited(reason) => RefundResult::Unknown(reason),
            },
        }
    }

    /// Returns what Stripe reports of the captured money of an intent; on failure the reason, for the log. With
    /// `has_reversals`, refunds and disputes are listed even if the charge shows none: known ones may have changed.
    pub(crate) async fn follow_up(&self, intent: &str, has_reversals: bool) -> Result<FollowUpReport, String> {
        let charge = self.retrieve_charge(intent).await?;
        Ok(FollowUpReport {
            refunds: if has_reversals || charge.refunded > 0 {
                self.list_refunds(intent).await?
            } else {
                Vec::new()
            },
            disputes: if has_reversals || charge.is_disputed {
                self.list_disputes(intent).await?
            } else {
                Vec::new()
            },
            stripe_fee: charge.fee,
        })
    }

    /// Returns the state of the charge that captured the money of an intent.
    async fn retrieve_charge(&self, intent: &str) -> Result<ChargedFunds, String> {
        let request = RetrievePaymentIntent::new(intent).expand([CHARGE_WITH_FEE.to_owned()]);
        let response = request.send(self.transport.client());
        let found = self.transport.observe(Operation::RetrieveIntent, response).await;
        let found = found.map_err(|error| log_text(&error))?;
        let charge = found.latest_charge.as_ref().and_then(|charge| charge.as_object());
        let charge = charge.ok_or_else(|| format!("Stripe's {intent} has no charge"))?;
        Ok(charged_funds(charge))
    }

    /// Returns all refunds of an intent.
    async fn list_refunds(&self, intent: &str) -> Result<Vec<StripeRefund>, String> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let mut request = ListRefund::new().payment_intent(intent).limit(PAGE_SIZE);
            if let Some(after) = after {
                request = request.starting_after(after);
            }
            let response = request.send(self.transport.client());
            let page = self.transport.observe(Operation::ListRefunds, response).await;
            let page = page.map_err(|error| log_text(&error))?;
            after = page.data.last().map(|refund| refund.id.to_string());
            all.extend(page.data.into_iter().map(StripeRefund::from));
            if !page.has_more || after.is_none() {
                return Ok(all);
            }
        }
    }

    /// Returns the disputes of an intent; more than one is rare, so the first page contains all.
    async fn list_disputes(&self, intent: &str) -> Result<Vec<Dispute>, String> {
        let request = ListDisputes {
            payment_intent: intent,
            limit: PAGE_SIZE,
        };
        let request = request.customize();
        let response = request.send(self.transport.client());
        let page = self.transport.observe(Operation::ListDisputes, response).await;
        let page = page.map_err(|error| log_text(&error))?;
        Ok(page.data.into_iter().map(Dispute::from).collect())
    }
}

impl From<stripe_core::Refund> for StripeRefund {
    fn from(refund: stripe_core::Refund) -> Self {
        let named = refund.metadata.as_ref().and_then(|metadata| metadata.get("refund_id"));
        Self {
            id: refund.id.to_string(),
            amount: refund.amount,
            status: StripeRefundStatus::from_stripe(refund.status.as_deref().unwrap_or_default()),
            failure_reason: refund.failure_reason,
            refund_id: named.and_then(|id| id.parse().ok()),
        }
    }
}

impl From<DisputeObject> for Dispute {
    fn from(dispute: DisputeObject) -> Self {
        let transactions = &dispute.balance_transactions;
        // In the currency of the account, which may differ from the payment's: only the sign is used.
        let balance = transactions.iter().map(|transaction| transaction.amount).sum::<i64>();
        let account_currency = transactions.first().map(|transaction| transaction.currency.clone());
        Self {
            amount: dispute.amount,
            status: DisputeStatus::from_stripe(&dispute.status),
            id: dispute.id,
            reason: dispute.reason,
            withdrawn: if balance < 0 { dispute.amount } else { 0 },
            fee: transactions.iter().map(|transaction| transaction.fee).sum(),
            fee_currency: account_currency.unwrap_or(dispute.currency),
            created_at: Timestamp::from_millis(dispute.created.saturating_mul(1000)),
        }
    }
}
