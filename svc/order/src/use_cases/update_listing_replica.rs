//! Updates the replica of a listing.

use bus::ConsumeError;
use db::Tx;
use events::Ticket;

use crate::store;

/// Stores a newer version of a listing. If it is withdrawn, no order is placed from then on, and its withdrawal starts: the
/// job cancels its open orders and refunds its sales.
pub(crate) fn update_listing_replica(tx: &Tx, ticket: &Ticket) -> Result<(), ConsumeError> {
    if !store::upsert_listing(tx, ticket)? {
        return Ok(());
    }
    tx.announce_row(&ticket.id);
    if ticket.withdrawn_at.is_some() {
        store::start_withdrawal(tx, ticket.id)?;
    }
    Ok(())
}
