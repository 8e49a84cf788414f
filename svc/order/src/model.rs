//! The use cases without HTTP and broker, for the model checker (`tools/model`).

use std::{net::Ipv4Addr, time::Duration};

use bus::ConsumeError;
use db::Tx;
use events::Envelope;
use sale_limits::SaleLimits;
use values::{OrderId, RefundId, TicketId, Timestamp, UserId};

use crate::{
    domain::{OrderLimits, SeenListing},
    events::consume,
    use_cases::{self, DecideRefund, PlaceOrder, RequestRefund, RetryWithdrawal},
};

/// Consumes an event.
pub fn consume_event(tx: &Tx, now: Timestamp, envelope: &Envelope, extension: Duration) -> Result<(), ConsumeError> {
    consume(tx, now, envelope, extension)
}

/// Places an order. Returns whether it was placed.
pub fn place_order(
    tx: &Tx,
    now: Timestamp,
    buyer_id: UserId,
    ticket_id: TicketId,
    quantity: u32,
    default_window: Duration,
) -> bool {
    let command = PlaceOrder {
        buyer_id,
        ticket_id,
        quantity,
        has_second_factor: true,
        seen: SeenListing::default(),
    };
    let limits = OrderLimits {
        sale: SaleLimits::default(),
        default_window,
    };
    use_cases::place_order(tx, now, &limits, command).is_ok()
}

/// Cancels an order for its buyer. Returns whether it is cancelled.
pub fn cancel_order(tx: &Tx, now: Timestamp, buyer: UserId, order: OrderId) -> bool {
    use_cases::cancel_order(tx, now, buyer, order).is_ok()
}

/// Requests a refund. Returns whether it was requested.
pub fn request_refund(tx: &Tx, now: Timestamp, user_id: UserId, order_id: OrderId, quantity: Option<u32>) -> bool {
    let command = RequestRefund {
        order_id,
        user_id,
        client: Ipv4Addr::LOCALHOST.into(),
        quantity,
        reason: None,
    };
    use_cases::request_refund(tx, now, command).is_ok()
}

/// Decides on a refund. Returns whether it has that decision.
pub fn decide_refund(
    tx: &Tx,
    now: Timestamp,
    user_id: UserId,
    order_id: OrderId,
    refund_id: RefundId,
    approve: bool,
) -> bool {
    let command = DecideRefund {
        order_id,
        refund_id,
        user_id,
        client: Ipv4Addr::LOCALHOST.into(),
        approve,
    };
    use_cases::decide_refund(tx, now, command).is_ok()
}

/// Runs one step of the job that cancels and refunds the orders of withdrawn listings.
pub fn continue_withdrawal(tx: &Tx, now: Timestamp) -> Result<(), db::Error> {
    use_cases::continue_withdrawal(tx, now, None)?;
    Ok(())
}

/// Retries the failed refunds of a withdrawn listing. Returns whether that is possible.
pub fn retry_withdrawal(tx: &Tx, now: Timestamp, ticket_id: TicketId, user_id: UserId) -> bool {
    let command = RetryWithdrawal {
        ticket_id,
        user_id,
        client: Ipv4Addr::LOCALHOST.into(),
    };
    use_cases::retry_withdrawal(tx, now, command).is_ok()
}
