//! Requests a refund.

use std::net::IpAddr;

use audit::Entry;
use chassis::ClientAddress;
use closures::AccountClosing;
use db::Tx;
use events::{AskedBy, RefundStatus};
use rusqlite::Connection;
use values::{OrderId, Timestamp, UserId};

use super::save::save_new_refund;
use crate::{
    domain::{CannotRefund, MAX_REFUNDS, Order, Refund, RefundReason, RefundRequest},
    store,
};

/// A buyer's or seller's request for a refund.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct RequestRefund {
    pub(crate) order_id: OrderId,
    pub(crate) user_id: UserId,
    /// The network address of the user.
    pub(crate) client: IpAddr,
    /// `None` for all tickets that no refund claims.
    pub(crate) quantity: Option<u32>,
    pub(crate) reason: Option<RefundReason>,
}

/// Why a refund was not requested.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestRefundError {
    #[error("there is no order {0}")]
    NotFound(OrderId),
    /// The user neither bought nor sold it: that it exists is not disclosed.
    #[error("there is no order {0}")]
    NotYours(OrderId),
    #[error(transparent)]
    CannotRefund(#[from] CannotRefund),
    /// The order has this many refunds.
    #[error("the order has {0} refunds already: ask the marketplace")]
    TooManyRefunds(u32),
    #[error(transparent)]
    AccountClosing(#[from] AccountClosing),
    /// Nobody would decide.
    #[error("The account of the seller is deleted or about to be. Ask the marketplace.")]
    SellerClosing,
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Requests a refund. It is approved at once if the seller requests it, or if the listing guarantees it: as it was when
/// the order was placed, or as it is now.
pub(crate) fn request_refund(tx: &Tx, now: Timestamp, command: RequestRefund) -> Result<Refund, RequestRefundError> {
    let (order, requested_by) = order_of_party(tx, command.user_id, command.order_id)?;
    closures::ensure_open::<RequestRefundError>(tx, command.user_id)?;
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
    let count = store::vain_refund_count(tx, order.id())?;
    if count >= MAX_REFUNDS {
        return Err(RequestRefundError::TooManyRefunds(count));
    }
    if refund.status() == RefundStatus::Requested {
        closures::ensure_open(tx, order.state().seller_id).map_err(|error| match error {
            RequestRefundError::AccountClosing(_) => RequestRefundError::SellerClosing,
            other => other,
        })?;
    }
    save_new_refund(tx, &refund, now)?;
    let author = ClientAddress(command.client).author(command.user_id);
    let entry = Entry {
        result: refund.status().as_str(),
        ..author.did("refund-request", &refund.id())
    };
    audit::append(tx, now, &entry)?;
    Ok(refund)
}

/// Returns an order that the user has bought or sold, and which of both.
pub(crate) fn order_of_party(
    conn: &Connection,
    user: UserId,
    id: OrderId,
) -> Result<(Order, AskedBy), RequestRefundError> {
    let order = store::find_order(conn, id)?.ok_or(RequestRefundError::NotFound(id))?;
    let party = order.party(user).ok_or(RequestRefundError::NotYours(id))?;
    Ok((order, party))
}
