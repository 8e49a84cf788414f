//! Orders of a listing in JSON and CSV.

use poem_openapi::{Enum, Object, types::Example};
use spreadsheet::{Cell, Row, append_record};
use values::{Money, OrderId, Timestamp, UserId};

use crate::domain::{Buyer, ListingOrder, OrderState};

/// An order of one of your listings.
#[derive(Clone, Debug, Object)]
#[oai(rename = "ListingOrder", rename_all = "camelCase", example)]
pub(super) struct ListingOrderView {
    /// The order.
    order_id: OrderId,
    /// When it was placed.
    placed_at: Timestamp,
    /// The buyer.
    buyer_id: UserId,
    /// The name of the buyer, if the account has one.
    #[oai(nullable)]
    buyer_name: Option<String>,
    /// The email address of the buyer, unless the account is deleted.
    #[oai(nullable)]
    buyer_email: Option<String>,
    state: OrderStateView,
    /// Whether the buyer's bank has yet to decide on a dispute of the charge.
    disputed: bool,
    /// The number of tickets.
    quantity: u32,
    /// The price of all tickets.
    total: Money,
    /// The number of tickets that are refunded.
    refunded_quantity: u32,
    /// The money that went back to the buyer, by refunds or otherwise.
    refunded: Money,
}

/// The state of an order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Enum)]
#[oai(rename = "ListingOrderState")]
pub(super) enum OrderStateView {
    /// The tickets are held until the deadline.
    #[oai(rename = "created")]
    Created,
    /// A payment is authorised and will be captured.
    #[oai(rename = "awaiting:payment")]
    AwaitingPayment,
    /// Paid.
    #[oai(rename = "complete")]
    Complete,
    /// Paid, and some of the tickets are refunded.
    #[oai(rename = "partially_refunded")]
    PartiallyRefunded,
    /// Paid, and all of the tickets are refunded.
    #[oai(rename = "refunded")]
    Refunded,
    /// Ended without a sale.
    #[oai(rename = "cancelled")]
    Cancelled,
}

impl From<OrderState> for OrderStateView {
    fn from(state: OrderState) -> Self {
        match state {
            OrderState::Created => Self::Created,
            OrderState::AwaitingPayment => Self::AwaitingPayment,
            OrderState::Complete => Self::Complete,
            OrderState::PartiallyRefunded => Self::PartiallyRefunded,
            OrderState::Refunded => Self::Refunded,
            OrderState::Cancelled => Self::Cancelled,
        }
    }
}

impl From<OrderStateView> for OrderState {
    fn from(state: OrderStateView) -> Self {
        match state {
            OrderStateView::Created => Self::Created,
            OrderStateView::AwaitingPayment => Self::AwaitingPayment,
            OrderStateView::Complete => Self::Complete,
            OrderStateView::PartiallyRefunded => Self::PartiallyRefunded,
            OrderStateView::Refunded => Self::Refunded,
            OrderStateView::Cancelled => Self::Cancelled,
        }
    }
}

impl From<(ListingOrder, Buyer)> for ListingOrderView {
    fn from((order, buyer): (ListingOrder, Buyer)) -> Self {
        Self {
            order_id: order.id,
            // Ids contain the time.
            placed_at: order.id.created_at().unwrap_or(Timestamp::from_millis(0)),
            buyer_id: order.buyer_id,
            buyer_name: buyer.name,
            buyer_email: buyer.email,
            state: order.state.into(),
            disputed: order.is_disputed,
            quantity: order.quantity,
            total: order.total,
            refunded_quantity: order.refunded_quantity,
            refunded: Money {
                amount: order.refunded_amount,
                currency: order.total.currency,
            },
        }
    }
}

impl Example for ListingOrderView {
    fn example() -> Self {
        let total = Money::example();
        Self {
            order_id: OrderId::example(),
            placed_at: Timestamp::from_millis(1_796_040_000_000),
            buyer_id: UserId::example(),
            buyer_name: Some("Ada Lovelace".to_owned()),
            buyer_email: Some("ada@example.com".to_owned()),
            state: OrderStateView::Complete,
            disputed: false,
            quantity: 1,
            total,
            refunded_quantity: 0,
            refunded: Money { amount: 0, ..total },
        }
    }
}

impl Row for ListingOrderView {
    const LIST: &'static str = "The orders of the listing.";
    const DOCUMENT: &'static str = "A header and one line per order, with the fields of the JSON format.";
    const FILE_NAME: &'static str = "orders.csv";

    fn csv(orders: impl IntoIterator<Item = Self>) -> String {
        let header = [
            "orderId",
            "placedAt",
            "buyerId",
            "buyerName",
            "buyerEmail",
            "state",
            "disputed",
            "quantity",
            "currency",
            "total",
            "refundedQuantity",
            "refunded",
        ];
        let mut text = String::new();
        append_record(&mut text, header.map(Cell::Text));
        for order in orders {
            let (id, placed_at, buyer) = (
                order.order_id.to_string(),
                order.placed_at.to_string(),
                order.buyer_id.to_string(),
            );
            append_record(
                &mut text,
                [
                    Cell::Text(&id),
                    Cell::Text(&placed_at),
                    Cell::Text(&buyer),
                    Cell::Text(order.buyer_name.as_deref().unwrap_or_default()),
                    Cell::Text(order.buyer_email.as_deref().unwrap_or_default()),
                    Cell::Text(OrderState::from(order.state).as_str()),
                    Cell::Text(if order.disputed { "true" } else { "false" }),
                    Cell::Number(order.quantity.into()),
                    Cell::Text(order.total.currency.code()),
                    Cell::Number(order.total.amount),
                    Cell::Number(order.refunded_quantity.into()),
                    Cell::Number(order.refunded.amount),
                ],
            );
        }
        text
    }
}
