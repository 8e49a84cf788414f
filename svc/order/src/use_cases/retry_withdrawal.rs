//! Retries the failed refunds of a withdrawn listing.

use std::net::IpAddr;

use chassis::ClientAddress;
use closures::AccountClosing;
use db::Tx;
use rusqlite::Connection;
use values::{TicketId, Timestamp, UserId};

use crate::{domain::Listing, store};

/// A seller's request to refund the sales of a withdrawn listing again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct RetryWithdrawal {
    pub(crate) ticket_id: TicketId,
    pub(crate) user_id: UserId,
    /// The network address of the user.
    pub(crate) client: IpAddr,
}

/// Why a withdrawal was not retried.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RetryWithdrawalError {
    #[error("there is no listing {0} of yours")]
    NotFound(TicketId),
    /// It is another seller's: that it exists is not disclosed.
    #[error("there is no listing {0} of yours")]
    NotYours(TicketId),
    #[error("the listing is not withdrawn")]
    NotWithdrawn,
    #[error(transparent)]
    AccountClosing(#[from] AccountClosing),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Starts refunding the sales of a withdrawn listing again. Sales that are refunded, or being refunded, are skipped.
pub(crate) fn retry_withdrawal(tx: &Tx, now: Timestamp, command: RetryWithdrawal) -> Result<(), RetryWithdrawalError> {
    let ticket = command.ticket_id;
    if !listing_of_seller(tx, command.user_id, ticket)?.is_withdrawn() {
        return Err(RetryWithdrawalError::NotWithdrawn);
    }
    closures::ensure_open::<RetryWithdrawalError>(tx, command.user_id)?;
    store::restart_withdrawal(tx, ticket)?;
    let author = ClientAddress(command.client).author(command.user_id);
    audit::append_limited(tx, now, &author.did("withdrawal-retry", &ticket))?;
    Ok(())
}

/// Returns a seller's own listing.
pub(crate) fn listing_of_seller(
    conn: &Connection,
    seller: UserId,
    id: TicketId,
) -> Result<Listing, RetryWithdrawalError> {
    match store::find_listing(conn, id)? {
        Some(listing) if listing.seller_id == seller => Ok(listing),
        Some(_) => Err(RetryWithdrawalError::NotYours(id)),
        None => Err(RetryWithdrawalError::NotFound(id)),
    }
}
