//! Publishes the state of every order and refund again.

use db::Tx;
use values::Timestamp;

use super::publish::{publish_order, publish_refund};
use crate::store;

/// How many orders are announced again in one transaction.
const REPUBLISHED: u32 = 500;

/// When all orders are, their refunds follow: so begins the place where to go on, then.
const REFUNDS: &str = "refund ";

fn republish_refunds(tx: &Tx, now: Timestamp, after: &str) -> Result<Option<String>, db::Error> {
    let refunds = store::refunds_page(tx, after, REPUBLISHED)?;
    for refund in &refunds {
        publish_refund(tx, refund, now)?;
    }
    Ok(refunds.last().map(|last| format!("{REFUNDS}{}", last.id)))
}

pub(crate) fn republish(tx: &Tx, now: Timestamp, after: Option<String>) -> Result<Option<String>, db::Error> {
    let after = after.unwrap_or_default();
    if let Some(after) = after.strip_prefix(REFUNDS) {
        return republish_refunds(tx, now, after);
    }
    let orders = store::page(tx, &after, REPUBLISHED)?;
    for order in &orders {
        publish_order(tx, order, now)?;
    }
    match orders.last() {
        Some(last) => Ok(Some(last.id.to_string())),
        None => republish_refunds(tx, now, ""),
    }
}
