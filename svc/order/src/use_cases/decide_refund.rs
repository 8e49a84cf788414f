//! Decides on a refund that a buyer has requested.

use std::net::IpAddr;

use chassis::ClientAddress;
use db::Tx;
use values::{OrderId, RefundId, Timestamp, UserId};

use super::save::save_refund;
use crate::{
    domain::{AlreadyDecided, CannotRefund, Change, Refund},
    store,
};

/// A seller's decision on a refund.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct DecideRefund {
    pub(crate) order_id: OrderId,
    pub(crate) refund_id: RefundId,
    pub(crate) user_id: UserId,
    /// The network address of the user.
    pub(crate) client: IpAddr,
    pub(crate) approve: bool,
}

/// Why a refund was not decided.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DecideRefundError {
    #[error("there is no refund {0} of this order")]
    NotFound(RefundId),
    /// The user neither bought nor sold its order: that it exists is not disclosed.
    #[error("there is no refund {0} of this order")]
    NotYours(RefundId),
    #[error("only the seller decides on a refund")]
    NotTheSeller,
    #[error(transparent)]
    CannotRefund(#[from] CannotRefund),
    #[error(transparent)]
    AlreadyDecided(#[from] AlreadyDecided),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Approves or declines a refund. To repeat the decision changes nothing.
pub(crate) fn decide_refund(tx: &Tx, now: Timestamp, command: DecideRefund) -> Result<Refund, DecideRefundError> {
    let not_found = DecideRefundError::NotFound(command.refund_id);
    let Some(mut refund) = store::find_refund(tx, command.refund_id)? else {
        return Err(not_found);
    };
    let state = refund.state();
    if state.order_id != command.order_id {
        return Err(not_found);
    }
    if state.buyer_id == command.user_id {
        return Err(DecideRefundError::NotTheSeller);
    }
    if state.seller_id != command.user_id {
        return Err(DecideRefundError::NotYours(command.refund_id));
    }
    let change = if command.approve {
        refund.approve(now)?
    } else {
        refund.decline(now)?
    };
    if change == Change::NewVersion {
        if command.approve {
            let order = store::find_order(tx, command.order_id)?.ok_or(not_found)?;
            order.check_refundable()?;
        }
        save_refund(tx, &refund, now)?;
        let action = if command.approve {
            "refund-approve"
        } else {
            "refund-decline"
        };
        let author = ClientAddress(command.client).author(command.user_id);
        audit::append(tx, now, &author.did(action, &refund.id()))?;
    }
    Ok(refund)
}
