//! Requests a refund.

use db::Tx;
use values::{OrderId, Timestamp, UserId};

use super::save::save_new_refund;
use crate::{
    domain::{CannotRefund, Refund, RefundReason, RefundRequest},
    store,
};

/// A buyer's or seller's request for a refund.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct RequestRefund {
    pub(crate) order_id: OrderId,
    pub(crate) user_id: UserId,
    /// `None` for all tickets that no refund claims.
    pub(crate) quantity: Option<u32>,
    pub(crate) reason: Option<RefundReason>,
}

/// Why a refund was not requested.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestRefundError {
    /// There is none, or the user neither bought nor sold it: that it exists is not disclosed.
    #[error("there is no order {0}")]
    NotFound(OrderId),
    #[error(transparent)]
    CannotRefund(#[from] CannotRefund),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Requests a refund. It is approved at once if the seller requests it, or if the listing guarantees it: as it was when
/// the order was placed, or as it is now.
pub(crate) fn request_refund(tx: &Tx, now: Timestamp, command: RequestRefund) -> Result<Refund, RequestRefundError> {
    let not_found = RequestRefundError::NotFound(command.order_id);
    let Some(order) = store::find_order(tx, command.order_id)? else {
        return Err(not_found);
    };
    let requested_by = order.party(command.user_id).ok_or(not_found)?;
    let listing = store::find_listing(tx, order.ticket_id())?;
    let guaranteed_until = order
        .state()
        .refundable_until
        .max(listing.and_then(|listing| listing.refundable_until));
    let request = RefundRequest {
        quantity: command.quantity,
        requested_by,
        reason: command.reason,
    };
    let refund = Refund::request(&order, request, guaranteed_until, now)?;
    save_new_refund(tx, &refund, now)?;
    Ok(refund)
}
