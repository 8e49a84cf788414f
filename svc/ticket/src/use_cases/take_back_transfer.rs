use audit::Author;
use db::Tx;
use events::TransferStatus;
use values::{AdmissionId, Timestamp, UserId};

use super::end_transfers::end_transfer;
use crate::store;

/// Why an offer is not taken back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TakeBackError {
    #[error("you have no admission {0}")]
    NotFound(AdmissionId),
    /// Somebody else holds it.
    #[error("you have no admission {0}")]
    NotYours(AdmissionId),
    #[error("the admission {0} is not offered to anybody")]
    NotOffered(AdmissionId),
    #[error("it was accepted")]
    Accepted,
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Takes an offer back, and publishes `transfer.ended`. One that has ended without a new holder is no error: the first response may
/// have been lost.
pub(crate) fn take_back_transfer(
    tx: &Tx,
    now: Timestamp,
    giver: UserId,
    id: AdmissionId,
    author: &Author,
) -> Result<(), TakeBackError> {
    let admission = store::admission(tx, id)?.ok_or(TakeBackError::NotFound(id))?;
    let is_held = admission.state().holder_id == giver;
    let Some(mut transfer) = store::last_transfer_of_giver(tx, id, giver)? else {
        return Err(if is_held {
            TakeBackError::NotOffered(id)
        } else {
            TakeBackError::NotYours(id)
        });
    };
    let listing = store::listing(tx, admission.state().ticket_id)?;
    match transfer.status_at(now, Some(&admission), listing.as_ref()) {
        // It was given to this user again since.
        TransferStatus::Accepted if is_held => Err(TakeBackError::NotOffered(id)),
        TransferStatus::Accepted => Err(TakeBackError::Accepted),
        TransferStatus::Offered => {
            end_transfer(tx, now, &mut transfer, TransferStatus::Cancelled)?;
            audit::append_limited(tx, now, &author.did("transfer-take-back", &id))?;
            Ok(())
        }
        ended => Ok(end_transfer(tx, now, &mut transfer, ended)?),
    }
}
