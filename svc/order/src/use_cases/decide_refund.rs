//! A seller decides what a buyer asked for.

use db::Tx;
use values::{OrderId, RefundId, Timestamp, UserId};

use super::save;
use crate::{
    domain::{CannotRefund, Change, Decided, Refund},
    store,
};

/// What a seller decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct DecideRefund {
    pub(crate) order_id: OrderId,
    pub(crate) refund_id: RefundId,
    pub(crate) by: UserId,
    pub(crate) approve: bool,
}

/// Why nothing was decided.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DecideRefundError {
    /// Also if it is others': who asks does not learn that it exists.
    #[error("there is no refund {0} of this order")]
    NotFound(RefundId),
    #[error("only the seller decides on a refund")]
    NotTheSeller,
    #[error(transparent)]
    CannotRefund(#[from] CannotRefund),
    #[error(transparent)]
    Decided(#[from] Decided),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Approves or declines a refund. What is so already stays so.
pub(crate) fn decide_refund(tx: &Tx, now: Timestamp, decision: DecideRefund) -> Result<Refund, DecideRefundError> {
    let not_found = DecideRefundError::NotFound(decision.refund_id);
    let refund = store::refund(tx, decision.refund_id)?.filter(|refund| refund.order_id == decision.order_id);
    let Some(mut refund) = refund else {
        return Err(not_found);
    };
    if refund.buyer_id == decision.by {
        return Err(DecideRefundError::NotTheSeller);
    }
    if refund.seller_id != decision.by {
        return Err(not_found);
    }
    let change = if decision.approve {
        let change = refund.approve(now)?;
        if change == Change::Made {
            let order = store::order(tx, refund.order_id)?.ok_or(not_found)?;
            order.refundable()?;
        }
        change
    } else {
        refund.decline(now)?
    };
    if change == Change::Made {
        save::refund_changed(tx, &refund, now)?;
    }
    Ok(refund)
}
