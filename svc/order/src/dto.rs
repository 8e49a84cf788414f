//! What the service says over HTTP.

use events::{CancelReason, OrderStatus};
use ids::{Money, OrderId, PaymentId, TicketId, Timestamp, UserId};
use poem_openapi::{Enum, Object, types::Example};
use serde::{Deserialize, Serialize};

use crate::order::Order;

/// What a buyer wants.
#[derive(Clone, Debug, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase", deny_unknown_fields, example)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewOrder {
    /// The listing.
    pub(crate) ticket_id: TicketId,
    /// How many tickets of it; at most as many as the marketplace allows in one order.
    #[oai(default = "one", validator(minimum(value = "1")))]
    #[serde(default = "one")]
    pub(crate) quantity: u32,
}

fn one() -> u32 {
    1
}

impl Example for NewOrder {
    fn example() -> Self {
        let Order {
            ticket_id, quantity, ..
        } = example();
        Self { ticket_id, quantity }
    }
}

/// An order.
#[derive(Clone, Debug, Object)]
#[oai(rename = "Order", rename_all = "camelCase", example)]
pub(crate) struct OrderView {
    /// The order.
    id: OrderId,
    /// Where it stands.
    status: Status,
    /// Why it was cancelled; only then.
    #[oai(skip_serializing_if_is_none)]
    cancel_reason: Option<Reason>,
    /// What is ordered, as it was when the order was placed.
    ticket: OrderedTicket,
    /// How many tickets.
    quantity: u32,
    /// What the buyer owes for all of them.
    total: Money,
    /// Until when the tickets are held: it is to be paid by then.
    expires_at: Timestamp,
    /// The payment that it was confirmed with.
    #[oai(skip_serializing_if_is_none)]
    payment_id: Option<PaymentId>,
    /// When it was placed.
    created_at: Timestamp,
    /// When it changed last.
    updated_at: Timestamp,
}

/// A listing as it was when an order was placed.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase")]
pub(crate) struct OrderedTicket {
    /// The listing.
    id: TicketId,
    /// Who sells.
    seller_id: UserId,
    /// What it is called.
    title: String,
    /// The price of one ticket.
    price: Money,
}

/// Where an order stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Enum)]
#[oai(rename = "OrderStatus")]
pub(crate) enum Status {
    /// The tickets are held, until the deadline.
    #[oai(rename = "created")]
    Created,
    /// A payment is authorised and will be captured; the order can no longer expire.
    #[oai(rename = "awaiting:payment")]
    AwaitingPayment,
    /// Paid: the tickets are the buyer's.
    #[oai(rename = "complete")]
    Complete,
    /// Ended without a sale.
    #[oai(rename = "cancelled")]
    Cancelled,
}

/// Why an order was cancelled.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Enum)]
#[oai(rename = "CancelReason", rename_all = "kebab-case")]
pub(crate) enum Reason {
    /// The buyer did.
    User,
    /// It was not paid in time.
    Expired,
    /// The authorised payment could not be captured.
    PaymentFailed,
    /// The seller withdrew the listing.
    TicketWithdrawn,
}

impl From<Status> for OrderStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Created => Self::Created,
            Status::AwaitingPayment => Self::AwaitingPayment,
            Status::Complete => Self::Complete,
            Status::Cancelled => Self::Cancelled,
        }
    }
}

impl From<OrderStatus> for Status {
    fn from(status: OrderStatus) -> Self {
        match status {
            OrderStatus::Created => Self::Created,
            OrderStatus::AwaitingPayment => Self::AwaitingPayment,
            OrderStatus::Complete => Self::Complete,
            OrderStatus::Cancelled => Self::Cancelled,
        }
    }
}

impl From<CancelReason> for Reason {
    fn from(reason: CancelReason) -> Self {
        match reason {
            CancelReason::User => Self::User,
            CancelReason::Expired => Self::Expired,
            CancelReason::PaymentFailed => Self::PaymentFailed,
            CancelReason::TicketWithdrawn => Self::TicketWithdrawn,
        }
    }
}

impl From<Order> for OrderView {
    fn from(order: Order) -> Self {
        Self {
            id: order.id,
            status: order.status.into(),
            cancel_reason: order.cancel_reason.map(Into::into),
            quantity: order.quantity,
            total: order.total(),
            expires_at: order.expires_at,
            payment_id: order.payment_id,
            created_at: order.created_at,
            updated_at: order.updated_at,
            ticket: OrderedTicket {
                id: order.ticket_id,
                seller_id: order.seller_id,
                title: order.title,
                price: order.price,
            },
        }
    }
}

impl Example for OrderView {
    fn example() -> Self {
        example().into()
    }
}

/// Two tickets, held until a quarter past.
#[expect(clippy::unwrap_used, reason = "constants, read by the drift test")]
fn example() -> Order {
    let placed: Timestamp = "2027-06-01T19:30:00Z".parse().unwrap();
    Order {
        id: "01936f5e-8c1a-7c3e-9d2b-4f6a8b0c2d4e".parse().unwrap(),
        version: 1,
        status: OrderStatus::Created,
        cancel_reason: None,
        buyer_id: "01936f5e-8c1a-7c3e-9d2b-000000000001".parse().unwrap(),
        seller_id: "01936f5e-8c1a-7c3e-9d2b-000000000002".parse().unwrap(),
        ticket_id: "01936f5e-8c1a-7c3e-9d2b-000000000003".parse().unwrap(),
        title: "The Lighthouse Keepers, live".to_owned(),
        price: Money {
            amount: 1999,
            currency: "usd".parse().unwrap(),
        },
        quantity: 2,
        expires_at: "2027-06-01T19:45:00Z".parse().unwrap(),
        payment_id: None,
        created_at: placed,
        updated_at: placed,
    }
}
