use db::Tx;
use values::Timestamp;

use super::edit::{Edit, EditError};
use crate::{events::publish, store};

/// Takes a listing off sale for good and publishes `ticket.updated`, upon which its open orders are cancelled.
///
/// A listing that is withdrawn already is no error, whatever state the client has seen: the first response may have been
/// lost.
pub(crate) fn withdraw_ticket(tx: &Tx, now: Timestamp, edit: &Edit) -> Result<(), EditError> {
    let mut listing = edit.listing(tx)?;
    if listing.is_withdrawn() {
        return Ok(());
    }
    edit.check_seen(&listing)?;
    closures::ensure_open::<EditError>(tx, edit.user_id)?;
    if listing.withdraw(now) {
        store::update(tx, &listing)?;
        audit::append(tx, now, &edit.entry("ticket-withdraw"))?;
        publish(tx, now, &listing)?;
    }
    Ok(())
}
