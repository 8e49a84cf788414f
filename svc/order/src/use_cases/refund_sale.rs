//! Refunds one sale of a withdrawn listing.

use audit::{Author, Entry};
use db::Tx;
use events::{AskedBy, RefundStatus};
use values::Timestamp;

use super::save::{save_new_refund, save_refund};
use crate::{
    domain::{Change, Order, Refund, RefundRequest},
    store,
};

/// Refunds the rest of an order: approves the requested refunds, and adds one for the unclaimed tickets.
///
/// Does nothing if that has been done, or if the order cannot be refunded now. `order` is as it is stored.
pub(super) fn refund_sale(tx: &Tx, order: &Order, now: Timestamp) -> Result<(), db::Error> {
    if order.check_refundable().is_err() {
        return Ok(());
    }
    for mut refund in store::refunds_of_order(tx, order.id())? {
        if refund.status() == RefundStatus::Requested && refund.approve(now) == Ok(Change::NewVersion) {
            save_refund(tx, &refund, now)?;
            audit::append(tx, now, &by_withdrawal("refund-approve", &refund))?;
        }
    }
    let rest = RefundRequest {
        quantity: None,
        requested_by: AskedBy::Withdrawal,
        reason: None,
    };
    // An error means that no tickets are left to refund.
    if let Ok(refund) = Refund::request(order, rest, None, now) {
        save_new_refund(tx, &refund, now)?;
        audit::append(tx, now, &by_withdrawal("refund-request", &refund))?;
    }
    Ok(())
}

/// Returns the entry of the audit log for what the withdrawal of a listing decides.
fn by_withdrawal(action: &'static str, refund: &Refund) -> Entry {
    Author::service("order").did(action, &refund.id())
}

/// Whether the listing of an order is withdrawn.
pub(super) fn is_withdrawn(tx: &Tx, order: &Order) -> Result<bool, db::Error> {
    Ok(store::find_listing(tx, order.ticket_id())?.is_some_and(|listing| listing.is_withdrawn()))
}
