//! The use cases without HTTP, broker and Stripe, for the exploration of interleavings (`tools/model`). This module only
//! converts types.

use ::events::Envelope;
use bus::ConsumeError;
use db::Tx;
use values::{OrderId, PaymentId, RefundId, Timestamp, UserId};

use crate::{
    BasisPoints, domain,
    domain::{
        CardAttempts, CardLimits, Failure, FollowUpReport, Intent, IntentStatus, Payment, PaymentMethod, RefundCall,
        RefundResult, StripeCall, StripeFee, StripeRefundStatus, StripeResult,
    },
    events,
    jobs::{Task, next_task, payments_with_tasks},
    store,
    use_cases::{
        PayOrder, pay_order, record_follow_up, record_refund_result, record_stripe_event, record_stripe_result,
    },
};

/// How many due payments are read.
const BATCH: u32 = 64;

/// A request to Stripe about a payment.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum StripeRequest {
    /// Create the intent, and authorise the money where the card is known.
    Authorize {
        /// Whether the card is known.
        has_card: bool,
    },
    /// Search for the intent.
    FindIntent,
    /// Retrieve the intent.
    RetrieveIntent,
    /// Capture the authorised money.
    Capture,
    /// Cancel the intent.
    Void,
    /// Create a refund unless the list contains it.
    Refund {
        /// The refund.
        refund: RefundId,
        /// Minor units.
        amount: i64,
        /// The idempotency key; without it only the list is read.
        key: Option<String>,
    },
    /// Check the captured funds.
    FollowUp {
        /// Whether a refund or a dispute is known.
        has_reversals: bool,
    },
}

/// A response of Stripe.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum StripeResponse {
    /// The intent.
    Intent(IntentState),
    /// The request is refused for good.
    Refused,
    /// There is no intent.
    NotFound,
    /// The list of refunds, and the requested one if it exists.
    Refund(Vec<RefundState>, Option<RefundState>),
    /// The list of refunds; the requested one has no result yet.
    RefundUnknown(Vec<RefundState>),
    /// The list of refunds; the balance does not cover the requested one.
    InsufficientBalance(Vec<RefundState>),
    /// The captured funds: the list of refunds.
    Funds(Vec<RefundState>),
}

/// An intent at Stripe.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct IntentState {
    /// Stripe's id.
    pub id: String,
    /// Stripe's status.
    pub status: &'static str,
    /// Captured minor units.
    pub received: i64,
    /// Whether the last card was declined.
    pub declined: bool,
}

/// A refund at Stripe.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct RefundState {
    /// Stripe's id.
    pub id: String,
    /// Minor units.
    pub amount: i64,
    /// Stripe's status.
    pub status: &'static str,
    /// The refund named in its metadata.
    pub refund: Option<RefundId>,
}

/// Consumes an event.
pub fn consume(tx: &Tx, now: Timestamp, envelope: &Envelope) -> Result<(), ConsumeError> {
    events::consume(tx, now, envelope)
}

/// Starts a payment, with a card or in a browser; returns whether that is possible.
pub fn start_payment(tx: &Tx, now: Timestamp, buyer_id: UserId, order_id: OrderId, has_card: bool) -> bool {
    let token = "pm_card_visa".parse().ok().filter(|_| has_card);
    let request = idempotency::IdempotentRequest::new("payOrder", buyer_id, None, &());
    let command = PayOrder {
        buyer_id,
        order_id,
        method: token.map_or(PaymentMethod::Browser, |token| PaymentMethod::Card {
            token,
            return_url: None,
        }),
        client: std::net::Ipv4Addr::LOCALHOST.into(),
        networks: Vec::new(),
        is_stripe_silent: false,
    };
    pay_order(tx, now, command, &request, &CardAttempts::new(CardLimits::UNLIMITED)).is_ok()
}

/// Receives a Stripe event.
pub fn receive_stripe_event(tx: &Tx, now: Timestamp, event: serde_json::Value) -> Result<(), db::Error> {
    match serde_json::from_value(event) {
        Ok(event) => record_stripe_event(tx, now, &event).map(|_| ()),
        Err(_) => Ok(()),
    }
}

/// Returns the request to Stripe that the settler would send next about a payment.
pub fn next_request(tx: &Tx, now: Timestamp, id: PaymentId) -> Result<Option<StripeRequest>, db::Error> {
    let due = payments_with_tasks(tx, now, BATCH)?;
    if ![due.movements, due.look_ups, due.checks, due.follow_ups]
        .concat()
        .contains(&id)
    {
        return Ok(None);
    }
    Ok(next_task(tx, id, now)?.map(|task| match task {
        Task::Call(payment, StripeCall::Authorize) => StripeRequest::Authorize {
            has_card: payment.state().method != PaymentMethod::Browser,
        },
        Task::Call(_, StripeCall::FindIntent) => StripeRequest::FindIntent,
        Task::Call(_, StripeCall::RetrieveIntent) => StripeRequest::RetrieveIntent,
        Task::Call(_, StripeCall::Capture) => StripeRequest::Capture,
        Task::Call(_, StripeCall::Void) => StripeRequest::Void,
        Task::Refund(_, refund, call) => StripeRequest::Refund {
            refund: refund.id(),
            amount: refund.amount().amount,
            key: match call {
                RefundCall::Create(key) => Some(key),
                RefundCall::Find => None,
            },
        },
        Task::FollowUp(_, has_reversals) => StripeRequest::FollowUp { has_reversals },
    }))
}

/// Stores the response to a request that was sent at `called_at`.
pub fn record_response(
    tx: &Tx,
    (now, called_at): (Timestamp, Timestamp),
    id: PaymentId,
    request: &StripeRequest,
    response: &StripeResponse,
) -> Result<(), db::Error> {
    let call = match request {
        StripeRequest::Authorize { .. } => StripeCall::Authorize,
        StripeRequest::FindIntent => StripeCall::FindIntent,
        StripeRequest::RetrieveIntent => StripeCall::RetrieveIntent,
        StripeRequest::Capture => StripeCall::Capture,
        StripeRequest::Void => StripeCall::Void,
        StripeRequest::Refund { refund, .. } => return record_refund(tx, now, *refund, response),
        StripeRequest::FollowUp { .. } => {
            let StripeResponse::Funds(list) = response else {
                return Ok(());
            };
            let report = FollowUpReport {
                stripe_fee: Some(StripeFee {
                    amount: 88,
                    currency: "usd".to_owned(),
                }),
                refunds: list.iter().map(Into::into).collect(),
                disputes: Vec::new(),
            };
            return record_follow_up(tx, now, id, called_at, &report);
        }
    };
    let Some(payment) = store::payment(tx, id)? else {
        return Ok(());
    };
    let result = match response {
        StripeResponse::Intent(state) => state.intent_of(&payment).into(),
        StripeResponse::Refused => StripeResult::Refused(Failure::generic_decline()),
        _ => StripeResult::NotFound,
    };
    record_stripe_result(
        tx,
        now,
        (fee_rate(), CardLimits::UNLIMITED),
        &payment,
        (call, called_at),
        result,
    )
    .map(|_| ())
}

fn record_refund(tx: &Tx, now: Timestamp, refund: RefundId, response: &StripeResponse) -> Result<(), db::Error> {
    let (list, result) = match response {
        StripeResponse::Refund(list, Some(created)) => (list.as_slice(), RefundResult::Created(created.into())),
        StripeResponse::Refund(list, None) => (
            list.as_slice(),
            RefundResult::Refused("charge_already_refunded".to_owned()),
        ),
        StripeResponse::RefundUnknown(list) => (list.as_slice(), RefundResult::Unknown(String::new())),
        StripeResponse::InsufficientBalance(list) => {
            (list.as_slice(), RefundResult::InsufficientBalance(String::new()))
        }
        _ => (&[][..], RefundResult::Unknown(String::new())),
    };
    let list = list.iter().map(Into::into).collect::<Vec<_>>();
    record_refund_result(tx, now, refund, &list, &result)
}

/// 2.5 %: a fraction of a minor unit for odd prices.
fn fee_rate() -> BasisPoints {
    BasisPoints::try_from(250).unwrap_or_default()
}

impl IntentState {
    fn intent_of(&self, payment: &Payment) -> Intent {
        Intent {
            id: self.id.clone(),
            status: IntentStatus::from_stripe(self.status),
            amount: payment.amount().amount,
            amount_received: self.received,
            currency: payment.amount().currency.code().to_owned(),
            payment_id: Some(payment.id().to_string()),
            order_id: Some(payment.order_id().to_string()),
            buyer_id: Some(payment.buyer_id().to_string()),
            created_at: payment.state().created_at,
            amount_refunded: None,
            client_secret: Some(format!("{}_secret", self.id)),
            next_action_url: None,
            failure: self.declined.then(Failure::generic_decline),
            charge_id: None,
            funds: None,
        }
    }
}

impl From<&RefundState> for domain::StripeRefund {
    fn from(state: &RefundState) -> Self {
        Self {
            id: state.id.clone(),
            amount: state.amount,
            status: StripeRefundStatus::from_stripe(state.status),
            failure_reason: None,
            refund_id: state.refund,
        }
    }
}
