//! Updates the replica of a listing.

use bus::ConsumeError;
use db::Tx;
use events::Ticket;
use values::Timestamp;

use super::save::save_order;
use crate::{domain::Change, store};

/// Stores a newer version of a listing. If it is withdrawn, cancels its open orders and starts refunding its sales.
pub(crate) fn update_listing_replica(tx: &Tx, now: Timestamp, ticket: &Ticket) -> Result<(), ConsumeError> {
    if !store::upsert_listing(tx, ticket)? {
        return Ok(());
    }
    tx.announce_row(&ticket.id);
    if ticket.withdrawn_at.is_some() {
        for mut order in store::open_orders(tx, ticket.id)? {
            if order.cancel_withdrawn(now) == Change::NewVersion {
                save_order(tx, &order, now)?;
            }
        }
        store::start_withdrawal(tx, ticket.id)?;
    }
    Ok(())
}
