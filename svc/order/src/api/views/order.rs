//! Orders.

use events::{CancelReason, OrderStatus};
use input::{Price, Whole};
use poem_openapi::{Enum, Object, types::Example};
use values::{MAX_QUANTITY, Money, OrderId, PaymentId, TicketId, Timestamp, UserId};

use crate::{
    api::app::App,
    domain::{DisplayStatus, Order, SeenListing},
};

input::object! {
    /// Tickets to order.
    pub(crate) struct NewOrder {
        /// The listing.
        pub(crate) ticket_id as "ticketId": TicketId,
        /// The number of tickets; the marketplace may limit it further.
        pub(crate) quantity as "quantity": Whole<1, MAX_QUANTITY> = 1,
        /// The price of one ticket that you have seen. With another price the order is refused as `price-changed`. Without
        /// it, the order is placed at the current price.
        pub(crate) expected_price as "expectedPrice": Option<Price>,
        /// The `version` of the ticket that you have seen. The order is placed under that version or a later one, or refused
        /// as `ticket-outdated` if the order service does not receive it within three seconds.
        pub(crate) ticket_version as "ticketVersion": Option<Whole<1, { u32::MAX }>>,
    }
    check(quantity; app: App): app.limits.check_quantity(quantity.get()),
    example: {
        "ticketId": "01936f5e-8c1a-7c3e-9d2b-000000000003",
        "quantity": 2,
        "expectedPrice": {"amount": 1999, "currency": "usd"},
        "ticketVersion": 1
    }
}

impl NewOrder {
    pub(crate) fn seen(&self) -> SeenListing {
        SeenListing {
            price: self.expected_price.map(|price| price.0),
            version: self.ticket_version.map(Whole::get),
        }
    }
}

/// An order.
#[derive(Clone, Debug, Object)]
#[oai(rename = "Order", rename_all = "camelCase", example)]
pub(crate) struct OrderView {
    /// The order.
    pub(super) id: OrderId,
    /// The status.
    status: OrderStatusView,
    /// Why the order was cancelled; only if it was.
    #[oai(skip_serializing_if_is_none)]
    cancel_reason: Option<CancelReasonView>,
    /// The listing as it was when the order was placed.
    pub(super) ticket: OrderedTicket,
    /// The number of tickets.
    quantity: u32,
    /// What the buyer pays for all tickets.
    total: Money,
    /// Until when the tickets are held: the deadline for the payment.
    pub(super) expires_at: Timestamp,
    /// When the deadline was moved because a payment was in progress. It is moved once, to the start of the event at most.
    #[oai(skip_serializing_if_is_none)]
    extended_at: Option<Timestamp>,
    /// The payment that the order was confirmed with.
    #[oai(skip_serializing_if_is_none)]
    payment_id: Option<PaymentId>,
    /// Until when a refund is approved without the seller.
    #[oai(skip_serializing_if_is_none)]
    refundable_until: Option<Timestamp>,
    /// The number of tickets that are refunded.
    refunded_quantity: u32,
    /// All money that went back to the buyer, by refunds or otherwise; only if any did.
    #[oai(skip_serializing_if_is_none)]
    refunded_amount: Option<Money>,
    /// Whether the buyer's bank has yet to decide on a dispute of the charge: until then nothing is refunded.
    disputed: bool,
    /// When the order was placed.
    created_at: Timestamp,
    /// When the order changed last.
    updated_at: Timestamp,
}

/// A listing as it was when an order was placed.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase")]
pub(crate) struct OrderedTicket {
    /// The listing.
    pub(super) id: TicketId,
    /// The seller.
    seller_id: UserId,
    /// The title of the listing.
    pub(super) title: String,
    /// The price of one ticket.
    pub(super) price: Money,
}

/// The status of an order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Enum)]
#[oai(rename = "OrderStatus")]
pub(crate) enum OrderStatusView {
    /// The tickets are held until the deadline.
    #[oai(rename = "created")]
    Created,
    /// A payment is authorised and will be captured; the order can no longer expire.
    #[oai(rename = "awaiting:payment")]
    AwaitingPayment,
    /// Paid: the tickets belong to the buyer.
    #[oai(rename = "complete")]
    Complete,
    /// Paid, and some of the tickets are refunded: `refundedQuantity` of them. The rest belongs to the buyer.
    #[oai(rename = "partially_refunded")]
    PartiallyRefunded,
    /// Paid, and all of the tickets are refunded.
    #[oai(rename = "refunded")]
    Refunded,
    /// Ended without a sale.
    #[oai(rename = "cancelled")]
    Cancelled,
}

/// Why an order was cancelled.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Enum)]
#[oai(rename = "CancelReason", rename_all = "kebab-case")]
pub(crate) enum CancelReasonView {
    /// The buyer cancelled it.
    User,
    /// It was not paid in time.
    Expired,
    /// The authorised payment could not be captured.
    PaymentFailed,
    /// The seller withdrew the listing.
    TicketWithdrawn,
}

impl From<OrderStatusView> for DisplayStatus {
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

impl From<DisplayStatus> for OrderStatusView {
    fn from(status: DisplayStatus) -> Self {
        match status {
            DisplayStatus::Stored(OrderStatus::Created) => Self::Created,
            DisplayStatus::Stored(OrderStatus::AwaitingPayment) => Self::AwaitingPayment,
            DisplayStatus::Stored(OrderStatus::Complete) => Self::Complete,
            DisplayStatus::PartiallyRefunded => Self::PartiallyRefunded,
            DisplayStatus::Refunded => Self::Refunded,
            DisplayStatus::Stored(OrderStatus::Cancelled) => Self::Cancelled,
        }
    }
}

impl From<CancelReason> for CancelReasonView {
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
        let refunded_amount = order.refunded_amount();
        let state = order.state();
        Self {
            id: state.id,
            status: order.display_status().into(),
            cancel_reason: state.cancel_reason.map(Into::into),
            ticket: OrderedTicket {
                id: state.ticket_id,
                seller_id: state.seller_id,
                title: state.title.clone(),
                price: state.price,
            },
            quantity: state.quantity,
            total: order.total(),
            expires_at: state.expires_at,
            extended_at: state.extended_at,
            payment_id: state.payment_id,
            refundable_until: state.refundable_until,
            refunded_quantity: state.after_sale.tickets.refunded,
            refunded_amount: (refunded_amount.amount > 0).then_some(refunded_amount),
            disputed: order.is_disputed(),
            created_at: state.created_at,
            updated_at: state.updated_at,
        }
    }
}

impl Example for OrderView {
    #[expect(clippy::unwrap_used, reason = "constants, read by the drift test")]
    fn example() -> Self {
        let usd = |amount| Money {
            amount,
            currency: "usd".parse().unwrap(),
        };
        let placed_at = "2027-06-01T19:30:00Z".parse().unwrap();
        Self {
            id: "01936f5e-8c1a-7c3e-9d2b-4f6a8b0c2d4e".parse().unwrap(),
            status: OrderStatusView::Created,
            cancel_reason: None,
            ticket: OrderedTicket {
                id: "01936f5e-8c1a-7c3e-9d2b-000000000003".parse().unwrap(),
                seller_id: "01936f5e-8c1a-7c3e-9d2b-000000000002".parse().unwrap(),
                title: "The Lighthouse Keepers, live".to_owned(),
                price: usd(1999),
            },
            quantity: 2,
            total: usd(3998),
            expires_at: "2027-06-01T19:45:00Z".parse().unwrap(),
            extended_at: None,
            payment_id: None,
            refundable_until: None,
            refunded_quantity: 0,
            refunded_amount: None,
            disputed: false,
            created_at: placed_at,
            updated_at: placed_at,
        }
    }
}
