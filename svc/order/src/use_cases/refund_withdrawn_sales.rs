//! Refunds the sales of withdrawn listings, a batch at a time.

use db::Tx;
use values::Timestamp;

use super::refund_sale::refund_sale;
use crate::{domain::Order, store};

/// The maximum number of sales in one transaction, so that other writers wait for milliseconds only.
const BATCH_SIZE: u32 = 100;

/// Refunds the next sales of a withdrawn listing. The progress is stored, so a restarted service continues there.
pub(crate) fn refund_withdrawn_sales(tx: &Tx, now: Timestamp) -> Result<(), db::Error> {
    let Some(withdrawal) = store::find_open_withdrawal(tx)? else {
        return Ok(());
    };
    let orders = store::paid_orders(tx, withdrawal.ticket_id, &withdrawal.after, BATCH_SIZE)?;
    for order in &orders {
        refund_sale(tx, order, now)?;
    }
    let last = orders.last().map(Order::id);
    store::advance_withdrawal(tx, withdrawal.ticket_id, last)
}
