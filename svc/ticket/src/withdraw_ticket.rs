//! A seller takes a listing off sale, for good.

use db::Tx;
use values::Timestamp;

use crate::{
    announce::announce,
    edit::{Edit, EditError},
    store,
};

/// Withdraws the listing and announces that, upon which its open orders are cancelled.
///
/// What is withdrawn already is done, whatever state was seen: a client may not have got the first answer.
pub(crate) fn withdraw_ticket(tx: &Tx, now: Timestamp, edit: &Edit) -> Result<(), EditError> {
    let mut listing = edit.listing(tx)?;
    if listing.withdrawn_at.is_some() {
        return Ok(());
    }
    edit.check(&listing)?;
    if listing.withdraw(now) {
        store::update(tx, &listing)?;
        announce(tx, now, &listing)?;
    }
    Ok(())
}
