//! Stripe's side of one payment.
//!
//! <https://docs.stripe.com/payments/paymentintents/lifecycle>, <https://docs.stripe.com/api/idempotent_requests>,
//! <https://docs.stripe.com/refunds>

use payment::model::{IntentState, RefundState, StripeRequest, StripeResponse};

use crate::{ids, order_service::TOTAL};

/// The status of an intent.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum IntentStatus {
    RequiresPaymentMethod,
    RequiresAction,
    RequiresCapture,
    Succeeded,
    Canceled,
}

impl IntentStatus {
    const ALL: [Self; 5] = [
        Self::RequiresPaymentMethod,
        Self::RequiresAction,
        Self::RequiresCapture,
        Self::Succeeded,
        Self::Canceled,
    ];

    fn bit(self) -> u8 {
        1 << Self::ALL.iter().position(|status| *status == self).unwrap()
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::RequiresPaymentMethod => "requires_payment_method",
            Self::RequiresAction => "requires_action",
            Self::RequiresCapture => "requires_capture",
            Self::Succeeded => "succeeded",
            Self::Canceled => "canceled",
        }
    }
}

/// The decision of Stripe, or of the bank behind it, on a request. The model explores each.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Decision {
    Accept,
    /// An authorisation requires 3-D Secure; a refund is pending.
    Defer,
    Refuse,
}

impl Decision {
    pub(crate) const ALL: [Self; 3] = [Self::Accept, Self::Defer, Self::Refuse];
}

/// The intent and the refunds of one payment.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct StripePayment {
    /// The intent, once it exists.
    pub(crate) intent: Option<IntentStatus>,
    /// The status of the response to the creation, which the idempotency key replays.
    created_as: Option<IntentStatus>,
    /// The number of cards that were declined.
    pub(crate) declined: u8,
    /// The set of present and past statuses. A webhook can carry any of them at any time.
    statuses: u8,
    pub(crate) refunds: Vec<StripeRefund>,
    /// Keys whose stored response refuses a refund.
    refused_keys: Vec<String>,
    /// Keys whose stored response says that the balance does not cover a refund.
    uncovered_keys: Vec<String>,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct StripeRefund {
    /// The idempotency key; `None` for a refund in the dashboard.
    key: Option<String>,
    pub(crate) refund: Option<values::RefundId>,
    pub(crate) amount: i64,
    pub(crate) status: RefundStatus,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum RefundStatus {
    Pending,
    Succeeded,
    Failed,
}

impl StripePayment {
    pub(crate) fn set_status(&mut self, status: IntentStatus) {
        self.intent = Some(status);
        self.statuses |= status.bit();
    }

    /// Returns the present status and every past one.
    pub(crate) fn present_and_past_statuses(&self) -> impl Iterator<Item = IntentStatus> {
        IntentStatus::ALL
            .into_iter()
            .filter(|status| self.statuses & status.bit() != 0)
    }

    pub(crate) fn is_captured(&self) -> bool {
        self.intent == Some(IntentStatus::Succeeded)
    }

    /// Returns the sum of refunds that are pending or succeeded, in minor units.
    pub(crate) fn refunded_amount(&self) -> i64 {
        let effective = self
            .refunds
            .iter()
            .filter(|refund| refund.status != RefundStatus::Failed);
        effective.map(|refund| refund.amount).sum()
    }

    /// Returns the decisions that make a difference for a request.
    pub(crate) fn possible_decisions(&self, request: &StripeRequest) -> &'static [Decision] {
        match request {
            StripeRequest::Authorize { has_card: true } if self.created_as.is_none() => &Decision::ALL,
            StripeRequest::Capture if self.intent == Some(IntentStatus::RequiresCapture) => {
                &[Decision::Accept, Decision::Refuse]
            }
            StripeRequest::Refund { key: Some(_), .. } => &Decision::ALL,
            _ => &[Decision::Accept],
        }
    }

    /// Handles a request with a decision, and returns the response.
    pub(crate) fn handle(&mut self, payment: u8, request: &StripeRequest, decision: Decision) -> StripeResponse {
        match request {
            StripeRequest::Authorize { has_card } => self.authorise(payment, *has_card, decision),
            StripeRequest::FindIntent | StripeRequest::RetrieveIntent => self.retrieve(payment),
            StripeRequest::Capture => {
                if self.intent == Some(IntentStatus::RequiresCapture) && decision != Decision::Refuse {
                    self.set_status(IntentStatus::Succeeded);
                }
                self.retrieve(payment)
            }
            StripeRequest::Void => {
                if !matches!(
                    self.intent,
                    None | Some(IntentStatus::Succeeded | IntentStatus::Canceled)
                ) {
                    self.set_status(IntentStatus::Canceled);
                }
                self.retrieve(payment)
            }
            StripeRequest::Refund { refund, amount, key } => {
                let existing = self.list_refunds();
                if let Some(found) = existing.iter().find(|other| other.refund == Some(*refund)) {
                    return StripeResponse::Refund(existing.clone(), Some(found.clone()));
                }
                let Some(key) = key else {
                    return StripeResponse::RefundUnknown(existing);
                };
                if decision == Decision::Refuse {
                    self.uncovered_keys.push(key.clone());
                }
                if self.uncovered_keys.contains(key) {
                    return StripeResponse::InsufficientBalance(existing);
                }
                let status = if decision == Decision::Defer {
                    RefundStatus::Pending
                } else {
                    RefundStatus::Succeeded
                };
                let is_created = self.create_refund(*refund, *amount, key, status);
                StripeResponse::Refund(existing, self.list_refunds().pop().filter(|_| is_created))
            }
            StripeRequest::FollowUp { has_reversals } if *has_reversals || self.refunded_amount() > 0 => {
                StripeResponse::Funds(self.list_refunds())
            }
            StripeRequest::FollowUp { .. } => StripeResponse::Funds(Vec::new()),
        }
    }

    fn authorise(&mut self, payment: u8, has_card: bool, decision: Decision) -> StripeResponse {
        let status = *self.created_as.get_or_insert(match (has_card, decision) {
            (true, Decision::Accept) => IntentStatus::RequiresCapture,
            (true, Decision::Defer) => IntentStatus::RequiresAction,
            _ => IntentStatus::RequiresPaymentMethod,
        });
        let is_declined = has_card && status == IntentStatus::RequiresPaymentMethod;
        if self.intent.is_none() {
            self.set_status(status);
            self.declined = u8::from(is_declined);
        }
        if is_declined {
            StripeResponse::Refused
        } else {
            StripeResponse::Intent(intent(payment, status, false))
        }
    }

    /// Handles a request that arrives after its client has given up. Its list of refunds, if any, was an earlier one.
    pub(crate) fn handle_delayed(&mut self, payment: u8, request: &StripeRequest) {
        match request {
            StripeRequest::Refund { key: None, .. } => {}
            StripeRequest::Refund {
                key: Some(key),
                refund,
                amount,
            } => {
                self.create_refund(*refund, *amount, key, RefundStatus::Succeeded);
            }
            _ => {
                self.handle(payment, request, Decision::Accept);
            }
        }
    }

    /// Creates a refund if the amount is available and the key is new. Returns whether it did.
    fn create_refund(&mut self, refund: values::RefundId, amount: i64, key: &str, status: RefundStatus) -> bool {
        let mut failed_keys = self.refused_keys.iter().chain(&self.uncovered_keys);
        let is_used =
            failed_keys.any(|used| used == key) || self.refunds.iter().any(|other| other.key.as_deref() == Some(key));
        if is_used {
            return false;
        }
        if !self.is_captured() || self.refunded_amount() + amount > TOTAL {
            self.refused_keys.push(key.to_owned());
            return false;
        }
        self.refunds.push(StripeRefund {
            key: Some(key.to_owned()),
            refund: Some(refund),
            amount,
            status,
        });
        true
    }

    /// Creates a refund in the dashboard.
    pub(crate) fn refund_in_dashboard(&mut self, amount: i64) {
        self.refunds.push(StripeRefund {
            key: None,
            refund: None,
            amount,
            status: RefundStatus::Succeeded,
        });
    }

    /// Returns whether two refunds of one id are pending or succeeded.
    pub(crate) fn has_duplicate_refund(&self) -> bool {
        ids::REFUNDS.iter().any(|id| {
            let same = self.refunds.iter().filter(|refund| {
                refund.status != RefundStatus::Failed && refund.refund.is_some_and(|refund| refund.to_string() == **id)
            });
            same.count() > 1
        })
    }

    fn retrieve(&self, payment: u8) -> StripeResponse {
        let declined = self.declined > 0 && self.intent == Some(IntentStatus::RequiresPaymentMethod);
        self.intent.map_or(StripeResponse::NotFound, |status| {
            StripeResponse::Intent(intent(payment, status, declined))
        })
    }

    fn list_refunds(&self) -> Vec<RefundState> {
        let refunds = self.refunds.iter().enumerate().map(|(index, refund)| RefundState {
            id: format!("re_{index}"),
            amount: refund.amount,
            status: match refund.status {
                RefundStatus::Pending => "pending",
                RefundStatus::Succeeded => "succeeded",
                RefundStatus::Failed => "failed",
            },
            refund: refund.refund,
        });
        refunds.collect()
    }
}

fn intent(payment: u8, status: IntentStatus, declined: bool) -> IntentState {
    IntentState {
        id: format!("pi_{payment}"),
        status: status.as_str(),
        received: if status == IntentStatus::Succeeded { TOTAL } else { 0 },
        declined,
    }
}
