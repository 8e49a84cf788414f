use serde::{Deserialize, Serialize};
use trace::Trace;
use values::{EventId, Timestamp};

use crate::{Expiration, Order, Payment, Refund, Reversal, Ticket, Timer};

/// What happened, with the state that it led to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// Tickets are on sale.
    #[serde(rename = "ticketing.ticket.created.v1")]
    TicketCreated(Ticket),
    /// A listing was changed or withdrawn.
    #[serde(rename = "ticketing.ticket.updated.v1")]
    TicketUpdated(Ticket),
    /// Tickets are held for a buyer.
    #[serde(rename = "ticketing.order.created.v1")]
    OrderCreated(Order),
    /// Its deadline was moved, once, because a payment was under way.
    #[serde(rename = "ticketing.order.extended.v1")]
    OrderExtended(Order),
    /// A payment is authorised and the tickets are still held: it may be captured.
    #[serde(rename = "ticketing.order.confirmed.v1")]
    OrderConfirmed(Order),
    /// Paid: the tickets are the buyer's.
    #[serde(rename = "ticketing.order.completed.v1")]
    OrderCompleted(Order),
    /// Ended without a sale: the hold is released.
    #[serde(rename = "ticketing.order.cancelled.v1")]
    OrderCancelled(Order),
    /// Tickets of a paid order were given back, or money for it.
    #[serde(rename = "ticketing.order.refunded.v1")]
    OrderRefunded(Order),
    /// The buyer's bank disputes the charge of a paid order, or has decided on that.
    #[serde(rename = "ticketing.order.disputed.v1")]
    OrderDisputed(Order),
    /// A buyer asks for a refund.
    #[serde(rename = "ticketing.refund.requested.v1")]
    RefundRequested(Refund),
    /// A refund is to be paid.
    #[serde(rename = "ticketing.refund.approved.v1")]
    RefundApproved(Refund),
    /// The seller said no.
    #[serde(rename = "ticketing.refund.declined.v1")]
    RefundDeclined(Refund),
    /// A refund is paid.
    #[serde(rename = "ticketing.refund.paid.v1")]
    RefundPaid(Refund),
    /// A refund could not be paid.
    #[serde(rename = "ticketing.refund.failed.v1")]
    RefundFailed(Refund),
    /// An order's deadline has passed.
    #[serde(rename = "ticketing.expiration.completed.v1")]
    ExpirationCompleted(Expiration),
    /// A timer has dropped out of a delay queue.
    #[serde(rename = "ticketing.expiration.timer.v1")]
    ExpirationTimer(Timer),
    /// An attempt is under way, and may take a while.
    #[serde(rename = "ticketing.payment.pending.v1")]
    PaymentPending(Payment),
    /// The buyer's bank has set the money aside.
    #[serde(rename = "ticketing.payment.authorized.v1")]
    PaymentAuthorized(Payment),
    /// The money is taken (the seed's `PaymentCreated`).
    #[serde(rename = "ticketing.payment.created.v1")]
    PaymentCreated(Payment),
    /// Nothing was taken, and nothing will be.
    #[serde(rename = "ticketing.payment.failed.v1")]
    PaymentFailed(Payment),
    /// Of what was taken, something is given back.
    #[serde(rename = "ticketing.payment.refunded.v1")]
    PaymentRefunded(Reversal),
    /// An approved refund could not be paid.
    #[serde(rename = "ticketing.payment.refund-failed.v1")]
    PaymentRefundFailed(Reversal),
    /// The buyer's bank disputes the charge, or has decided on that.
    #[serde(rename = "ticketing.payment.disputed.v1")]
    PaymentDisputed(Reversal),
}

impl Event {
    /// The type on the wire, which is the routing key too.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::TicketCreated(_) => "ticketing.ticket.created.v1",
            Self::TicketUpdated(_) => "ticketing.ticket.updated.v1",
            Self::OrderCreated(_) => "ticketing.order.created.v1",
            Self::OrderExtended(_) => "ticketing.order.extended.v1",
            Self::OrderConfirmed(_) => "ticketing.order.confirmed.v1",
            Self::OrderCompleted(_) => "ticketing.order.completed.v1",
            Self::OrderCancelled(_) => "ticketing.order.cancelled.v1",
            Self::OrderRefunded(_) => "ticketing.order.refunded.v1",
            Self::OrderDisputed(_) => "ticketing.order.disputed.v1",
            Self::RefundRequested(_) => "ticketing.refund.requested.v1",
            Self::RefundApproved(_) => "ticketing.refund.approved.v1",
            Self::RefundDeclined(_) => "ticketing.refund.declined.v1",
            Self::RefundPaid(_) => "ticketing.refund.paid.v1",
            Self::RefundFailed(_) => "ticketing.refund.failed.v1",
            Self::ExpirationCompleted(_) => "ticketing.expiration.completed.v1",
            Self::ExpirationTimer(_) => "ticketing.expiration.timer.v1",
            Self::PaymentPending(_) => "ticketing.payment.pending.v1",
            Self::PaymentAuthorized(_) => "ticketing.payment.authorized.v1",
            Self::PaymentCreated(_) => "ticketing.payment.created.v1",
            Self::PaymentFailed(_) => "ticketing.payment.failed.v1",
            Self::PaymentRefunded(_) => "ticketing.payment.refunded.v1",
            Self::PaymentRefundFailed(_) => "ticketing.payment.refund-failed.v1",
            Self::PaymentDisputed(_) => "ticketing.payment.disputed.v1",
        }
    }

    /// The aggregate it is about.
    pub fn subject(&self) -> String {
        match self {
            Self::TicketCreated(ticket) | Self::TicketUpdated(ticket) => ticket.id.to_string(),
            Self::OrderCreated(order)
            | Self::OrderExtended(order)
            | Self::OrderConfirmed(order)
            | Self::OrderCompleted(order)
            | Self::OrderCancelled(order)
            | Self::OrderRefunded(order)
            | Self::OrderDisputed(order) => order.id.to_string(),
            Self::RefundRequested(refund)
            | Self::RefundApproved(refund)
            | Self::RefundDeclined(refund)
            | Self::RefundPaid(refund)
            | Self::RefundFailed(refund) => refund.id.to_string(),
            Self::ExpirationCompleted(expiration) => expiration.order_id.to_string(),
            Self::ExpirationTimer(timer) => timer.order_id.to_string(),
            Self::PaymentPending(payment)
            | Self::PaymentAuthorized(payment)
            | Self::PaymentCreated(payment)
            | Self::PaymentFailed(payment) => payment.id.to_string(),
            Self::PaymentRefunded(reversal) | Self::PaymentRefundFailed(reversal) | Self::PaymentDisputed(reversal) => {
                reversal.payment.id.to_string()
            }
        }
    }
}

/// An event on its way: a [CloudEvents 1.0](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md)
/// message in structured JSON, with the distributed tracing extension.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Envelope {
    specversion: SpecVersion,
    /// Names this message; a redelivery carries the same.
    pub id: EventId,
    /// The service that says it: `/ticketing/order`.
    pub source: String,
    /// The aggregate's id.
    pub subject: String,
    /// When it happened.
    pub time: Timestamp,
    datacontenttype: ContentType,
    /// The step that says it, as [`Trace`] writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    traceparent: Option<String>,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
enum SpecVersion {
    #[serde(rename = "1.0")]
    V1,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
enum ContentType {
    #[serde(rename = "application/json")]
    Json,
}

/// A message that is none of ours, or not as its contract says.
#[derive(Debug, thiserror::Error)]
#[error("malformed event: {0}")]
pub struct Malformed(#[from] serde_json::Error);

impl Envelope {
    /// Wraps what `service` says, as part of the trace that runs now.
    pub fn new(service: &str, now: Timestamp, event: Event) -> Self {
        Self {
            specversion: SpecVersion::V1,
            id: EventId::new(now),
            source: format!("/ticketing/{service}"),
            subject: event.subject(),
            time: now,
            datacontenttype: ContentType::Json,
            traceparent: trace::current().map(|trace| trace.to_string()),
            event,
        }
    }

    /// Reads a message.
    pub fn parse(body: &[u8]) -> Result<Self, Malformed> {
        Ok(serde_json::from_slice(body)?)
    }

    /// The message's body.
    pub fn to_json(&self) -> String {
        // A struct of strings and integers always has a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The trace that it belongs to.
    pub fn trace(&self) -> Option<Trace> {
        self.traceparent.as_deref()?.parse().ok()
    }
}
