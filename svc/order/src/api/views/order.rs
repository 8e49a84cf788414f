//! What the service says over HTTP.

use events::{CancelReason, OrderStatus};
use poem_openapi::{Enum, Object, types::Example};
use serde::{Deserialize, Serialize};
use values::{Money, OrderId, PaymentId, TicketId, Timestamp, UserId};

use crate::domain::{AfterSale, Order, Shown};

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
    status: OrderStatusView,
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
    /// When that was moved, because a payment was under way. It is moved once.
    #[oai(skip_serializing_if_is_none)]
    extended_at: Option<Timestamp>,
    /// The payment that it was confirmed with.
    #[oai(skip_serializing_if_is_none)]
    payment_id: Option<PaymentId>,
    /// Until when the buyer gets a refund without the seller being asked.
    #[oai(skip_serializing_if_is_none)]
    refundable_until: Option<Timestamp>,
    /// How many of the tickets went back.
    refunded_quantity: u32,
    /// How much went back to the buyer in all, by refunds or otherwise; only if any did.
    #[oai(skip_serializing_if_is_none)]
    refunded_amount: Option<Money>,
    /// Whether the buyer's bank is about to decide on the charge: until then nothing is refunded.
    disputed: bool,
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
pub(crate) enum OrderStatusView {
    /// The tickets are held, until the deadline.
    #[oai(rename = "created")]
    Created,
    /// A payment is authorised and will be captured; the order can no longer expire.
    #[oai(rename = "awaiting:payment")]
    AwaitingPayment,
    /// Paid: the tickets are the buyer's.
    #[oai(rename = "complete")]
    Complete,
    /// Paid, and some of the tickets went back: `refundedQuantity` of them. The rest is the buyer's.
    #[oai(rename = "partially_refunded")]
    PartiallyRefunded,
    /// Paid, and all of the tickets went back.
    #[oai(rename = "refunded")]
    Refunded,
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

impl From<OrderStatusView> for Shown {
    fn from(status: OrderStatusView) -> Self {
        match status {
            OrderStatusView::Created => Self::Stored(OrderStatus::Created),
            OrderStatusView::AwaitingPayment => Self::Stored(OrderStatus::AwaitingPayment),
            OrderStatusView::Complete => Self::Stored(OrderStatus::Complete),
            OrderStatusView::PartiallyRefunded => Self::PartiallyRefunded,
            OrderStatusView::Refunded => Self::Refunded,
            OrderStatusView::Cancelled => Self::Stored(OrderStatus::Cancelled),
        }
    }
}

impl From<Shown> for OrderStatusView {
    fn from(shown: Shown) -> Self {
        match shown {
            Shown::Stored(OrderStatus::Created) => Self::Created,
            Shown::Stored(OrderStatus::AwaitingPayment) => Self::AwaitingPayment,
            Shown::Stored(OrderStatus::Complete) => Self::Complete,
            Shown::PartiallyRefunded => Self::PartiallyRefunded,
            Shown::Refunded => Self::Refunded,
            Shown::Stored(OrderStatus::Cancelled) => Self::Cancelled,
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
        let refunded = order.refunded_amount();
        Self {
            id: order.id,
            status: order.shown().into(),
            cancel_reason: order.cancel_reason.map(Into::into),
            quantity: order.quantity,
            total: order.total(),
            expires_at: order.expires_at,
            extended_at: order.extended_at,
            payment_id: order.payment_id,
            refundable_until: order.refundable_until,
            refunded_quantity: order.after.tickets.refunded,
            refunded_amount: (refunded > 0).then_some(Money {
                amount: refunded,
                ..order.price
            }),
            disputed: order.is_disputed(),
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
pub(crate) fn example() -> Order {
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
        pending: None,
        over: None,
        extended_at: None,
        refundable_until: None,
        claimed: 0,
        after: AfterSale::default(),
        created_at: placed,
        updated_at: placed,
    }
}
