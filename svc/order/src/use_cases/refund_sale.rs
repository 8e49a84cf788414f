//! Refunds one sale of a withdrawn listing.

use db::Tx;
use events::{AskedBy, RefundStatus};
use values::Timestamp;

use super::save;
use crate::{
    domain::{Change, Order, Refund, Wish},
    store,
};

/// Refunds what is left of a sale, because its listing is withdrawn: what its buyer asked for, and the rest, unless that is
/// done or under way.
pub(crate) fn refund_sale(tx: &Tx, order: &Order, now: Timestamp) -> Result<(), db::Error> {
    let refunds = store::refunds_of(tx, order.id)?;
    let stands = |refund: &Refund| refund.asked_by == AskedBy::Withdrawal && refund.status != RefundStatus::Failed;
    let refunded = refunds.iter().any(stands);
    if refunded || order.refundable().is_err() {
        return Ok(());
    }
    for mut refund in refunds {
        if refund.status == RefundStatus::Requested && refund.approve(now) == Ok(Change::Made) {
            save::refund_changed(tx, &refund, now)?;
        }
    }
    let rest = Wish {
        quantity: None,
        asked_by: AskedBy::Withdrawal,
        reason: None,
    };
    // Where nothing is left there is nothing to do.
    if let Ok(refund) = Refund::ask(order, rest, None, now) {
        save::refund_asked(tx, &refund, now)?;
    }
    Ok(())
}

pub(super) fn is_withdrawn(tx: &Tx, order: &Order) -> Result<bool, db::Error> {
    Ok(store::listing(tx, order.ticket_id)?.is_some_and(|listing| listing.withdrawn_at.is_some()))
}
