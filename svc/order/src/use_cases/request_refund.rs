//! A buyer wants to give tickets back, or a seller to take them back.

use db::Tx;
use events::AskedBy;
use values::{OrderId, Timestamp, UserId};

use super::save;
use crate::{
    domain::{CannotRefund, Reason, Refund, Wish},
    store,
};

/// What somebody asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct RequestRefund {
    pub(crate) order_id: OrderId,
    pub(crate) by: UserId,
    /// How many tickets; all that are left if nobody says.
    pub(crate) quantity: Option<u32>,
    pub(crate) reason: Option<Reason>,
}

/// Why there is no refund.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestRefundError {
    /// Also if it is others': who asks does not learn that it exists.
    #[error("there is no order {0}")]
    NotFound(OrderId),
    #[error(transparent)]
    CannotRefund(#[from] CannotRefund),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Asks for a refund, which is approved at once where the seller asks, or has promised it: when the order was placed, or in
/// the listing as it is now.
pub(crate) fn request_refund(tx: &Tx, now: Timestamp, asked: RequestRefund) -> Result<Refund, RequestRefundError> {
    let order = store::order(tx, asked.order_id)?;
    let order = order.ok_or(RequestRefundError::NotFound(asked.order_id))?;
    let asked_by = match asked.by {
        buyer if buyer == order.buyer_id => AskedBy::Buyer,
        seller if seller == order.seller_id => AskedBy::Seller,
        _ => return Err(RequestRefundError::NotFound(order.id)),
    };
    let listing = store::listing(tx, order.ticket_id)?;
    let promised = order
        .refundable_until
        .max(listing.and_then(|listing| listing.refundable_until));
    let wish = Wish {
        quantity: asked.quantity,
        asked_by,
        reason: asked.reason,
    };
    let refund = Refund::ask(&order, wish, promised, now)?;
    save::refund_asked(tx, &refund, now)?;
    Ok(refund)
}
