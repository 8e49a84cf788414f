//! Updates the replica of a listing.

use bus::ConsumeError;
use db::Tx;
use events::Ticket;
use values::Timestamp;

use super::save;
use crate::{domain::Change, store};

/// Takes the seller's latest wish; a withdrawn listing takes its open orders with it, and its sales are refunded.
pub(crate) fn update_listing_replica(tx: &Tx, now: Timestamp, ticket: &Ticket) -> Result<(), ConsumeError> {
    if store::adopt(tx, ticket)? && ticket.withdrawn_at.is_some() {
        for mut order in store::open_orders(tx, ticket.id)? {
            if order.withdraw(now) == Change::Made {
                save::changed(tx, &order, now)?;
            }
        }
        store::begin_withdrawal(tx, ticket.id)?;
    }
    Ok(())
}
