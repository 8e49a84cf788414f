//! A seller wants the sales of a withdrawn listing refunded again, as far as that has failed.

use db::Tx;
use values::{TicketId, Timestamp, UserId};

use crate::{domain::Progress, store};

/// Why nothing is refunded again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RetryWithdrawalError {
    /// Also if it is another's: who asks does not learn that it exists.
    #[error("there is no listing {0} of yours")]
    NotFound(TicketId),
    #[error("the listing is not withdrawn")]
    NotWithdrawn,
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Goes through the sales of a withdrawn listing once more. What is refunded, or is being refunded, stays as it is. Says when
/// the listing was withdrawn, and how far its refunds are.
pub(crate) fn retry_withdrawal(
    tx: &Tx,
    ticket: TicketId,
    seller: UserId,
) -> Result<(Timestamp, Progress), RetryWithdrawalError> {
    let listing = store::listing(tx, ticket)?.filter(|listing| listing.seller_id == seller);
    let listing = listing.ok_or(RetryWithdrawalError::NotFound(ticket))?;
    let withdrawn_at = listing.withdrawn_at.ok_or(RetryWithdrawalError::NotWithdrawn)?;
    store::begin_withdrawal_again(tx, ticket)?;
    Ok((withdrawn_at, store::progress(tx, ticket)?))
}
