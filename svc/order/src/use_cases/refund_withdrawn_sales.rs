//! Refunds the sales of withdrawn listings, a batch at a time.

use db::Tx;
use values::Timestamp;

use super::refund_sale::refund_sale;
use crate::store;

/// How many sales one transaction refunds at most, so that others wait only milliseconds for the writer.
const BATCH: u32 = 100;

/// Refunds the next sales of a withdrawn listing.
pub(crate) fn refund_withdrawn_sales(tx: &Tx, now: Timestamp) -> Result<(), db::Error> {
    let Some((ticket, after)) = store::open_withdrawal(tx)? else {
        return Ok(());
    };
    let sold = store::sold(tx, ticket, &after, BATCH)?;
    for order in &sold {
        refund_sale(tx, order, now)?;
    }
    store::advance_withdrawal(tx, ticket, sold.last().map(|last| last.id))
}
