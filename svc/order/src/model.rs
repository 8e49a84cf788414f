//! The use cases without HTTP and broker, for whoever explores what they do together with those of others
//! (`tools/model`). Nothing is decided here.

use std::time::Duration;

use bus::ConsumeError;
use db::Tx;
use events::Envelope;
use values::{OrderId, RefundId, TicketId, Timestamp, UserId};

use crate::{
    events::consume,
    use_cases::{
        DecideRefund, PlaceOrder, RequestRefund, cancel_order, decide_refund, place_order, refund_withdrawn_sales,
        request_refund, retry_withdrawal,
    },
};

/// Hears an event.
pub fn hear(tx: &Tx, now: Timestamp, said: &Envelope, extension: Duration) -> Result<(), ConsumeError> {
    consume(tx, now, said, extension)
}

/// A buyer places an order; says whether there is one.
pub fn place(tx: &Tx, now: Timestamp, buyer_id: UserId, ticket_id: TicketId, quantity: u32, window: Duration) -> bool {
    let wish = PlaceOrder {
        buyer_id,
        ticket_id,
        quantity,
        window,
    };
    place_order(tx, now, wish).is_ok()
}

/// The buyer cancels; says whether the order is cancelled.
pub fn cancel(tx: &Tx, now: Timestamp, buyer: UserId, order: OrderId) -> bool {
    cancel_order(tx, now, buyer, order).is_ok()
}

/// Somebody asks for a refund; says whether it is asked for.
pub fn refund(tx: &Tx, now: Timestamp, by: UserId, order_id: OrderId, quantity: Option<u32>) -> bool {
    let asked = RequestRefund {
        order_id,
        by,
        quantity,
        reason: None,
    };
    request_refund(tx, now, asked).is_ok()
}

/// The seller decides on a refund; says whether it is as the seller wants.
pub fn decide(tx: &Tx, now: Timestamp, by: UserId, order_id: OrderId, refund_id: RefundId, approve: bool) -> bool {
    let decision = DecideRefund {
        order_id,
        refund_id,
        by,
        approve,
    };
    decide_refund(tx, now, decision).is_ok()
}

/// The job goes on that refunds the sales of withdrawn listings.
pub fn refund_withdrawn(tx: &Tx, now: Timestamp) -> Result<(), db::Error> {
    refund_withdrawn_sales(tx, now)
}

/// The seller wants those refunded again whose refund failed; says whether that is possible.
pub fn retry(tx: &Tx, ticket: TicketId, seller: UserId) -> bool {
    retry_withdrawal(tx, ticket, seller).is_ok()
}
