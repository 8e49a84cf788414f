//! Continues the withdrawal of a listing, a batch at a time.

use db::Tx;
use values::{TicketId, Timestamp};

use super::{refund_sale::refund_sale, save::save_order};
use crate::{
    domain::{Change, Order},
    store,
};

/// The maximum number of orders in one transaction, so that other writers wait for milliseconds only.
const BATCH_SIZE: u32 = 100;

/// Cancels the next open orders of a withdrawn listing; when none is left, refunds its next sales. The progress is stored,
/// so a restarted service continues there.
///
/// Takes the open withdrawal after `last`, in a circle, so that a large one does not delay the others. Returns its listing;
/// `None` if no withdrawal is open.
pub(crate) fn continue_withdrawal(
    tx: &Tx,
    now: Timestamp,
    last: Option<TicketId>,
) -> Result<Option<TicketId>, db::Error> {
    let Some(withdrawal) = store::find_open_withdrawal(tx, last)? else {
        return Ok(None);
    };
    let ticket = withdrawal.ticket_id;
    let open = store::open_orders(tx, ticket, BATCH_SIZE)?;
    if open.is_empty() {
        let orders = store::paid_orders(tx, ticket, &withdrawal.after, BATCH_SIZE)?;
        for order in &orders {
            refund_sale(tx, order, now)?;
        }
        store::advance_withdrawal(tx, ticket, orders.last().map(Order::id))?;
    }
    for mut order in open {
        if order.cancel_withdrawn(now) == Change::NewVersion {
            save_order(tx, &order, now)?;
        }
    }
    Ok(Some(ticket))
}
