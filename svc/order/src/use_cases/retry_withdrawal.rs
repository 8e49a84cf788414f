//! Retries the failed refunds of a withdrawn listing.

use db::Tx;
use values::{TicketId, Timestamp, UserId};

use crate::{domain::WithdrawalProgress, store};

/// Why a withdrawal was not retried.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RetryWithdrawalError {
    /// There is none, or it is another seller's: that it exists is not disclosed.
    #[error("there is no listing {0} of yours")]
    NotFound(TicketId),
    #[error("the listing is not withdrawn")]
    NotWithdrawn,
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Starts refunding the sales of a withdrawn listing again. Sales that are refunded, or being refunded, are skipped.
///
/// Returns when the listing was withdrawn, and how far its sales are refunded.
pub(crate) fn retry_withdrawal(
    tx: &Tx,
    ticket: TicketId,
    seller: UserId,
) -> Result<(Timestamp, WithdrawalProgress), RetryWithdrawalError> {
    let listing = store::find_listing_of(tx, seller, ticket)?;
    let listing = listing.ok_or(RetryWithdrawalError::NotFound(ticket))?;
    let withdrawn_at = listing.withdrawn_at.ok_or(RetryWithdrawalError::NotWithdrawn)?;
    store::restart_withdrawal(tx, ticket)?;
    Ok((withdrawn_at, store::withdrawal_progress(tx, ticket)?))
}
