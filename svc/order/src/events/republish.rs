//! Publishes the state of orders, then of refunds, again.

use db::Tx;
use values::Timestamp;

use super::publish::{publish_order, publish_refund};
use crate::store;

/// The number of orders or refunds in one transaction.
const PAGE_SIZE: u32 = 500;

/// The prefix of a cursor in the refunds; a cursor in the orders is an order id.
const REFUND_CURSOR: &str = "refund ";

/// Publishes the page of orders or refunds after `cursor` that have changed since `since`. Returns the cursor of the next
/// page, `None` after the last.
pub(crate) fn republish(
    tx: &Tx,
    now: Timestamp,
    since: Option<Timestamp>,
    cursor: Option<String>,
) -> Result<Option<String>, db::Error> {
    let cursor = cursor.unwrap_or_default();
    if let Some(after) = cursor.strip_prefix(REFUND_CURSOR) {
        return republish_refunds(tx, now, since, after);
    }
    let orders = store::orders_after(tx, &cursor, PAGE_SIZE)?;
    for order in orders.iter().filter(|order| Some(order.state().updated_at) >= since) {
        publish_order(tx, order, now)?;
    }
    match orders.last() {
        Some(last) => Ok(Some(last.id().to_string())),
        None => republish_refunds(tx, now, since, ""),
    }
}

fn republish_refunds(
    tx: &Tx,
    now: Timestamp,
    since: Option<Timestamp>,
    after: &str,
) -> Result<Option<String>, db::Error> {
    let refunds = store::refunds_after(tx, after, PAGE_SIZE)?;
    for refund in refunds.iter().filter(|refund| Some(refund.state().updated_at) >= since) {
        publish_refund(tx, refund, now)?;
    }
    Ok(refunds.last().map(|last| format!("{REFUND_CURSOR}{}", last.id())))
}
