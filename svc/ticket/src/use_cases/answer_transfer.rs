//! What the recipient of an offer does: accept it, or decline it.

use audit::Author;
use closures::AccountClosing;
use db::Tx;
use events::TransferStatus;
use rusqlite::Connection;
use values::{Timestamp, UserId};

use super::end_transfers::end_transfer;
use crate::{
    domain::{Admission, Codes, Listing, Transfer, TransferToken},
    events::{publish_admission, publish_transfer},
    store,
};

/// The answer of a user to an offer.
#[derive(Clone)]
pub(crate) struct AnswerTransfer {
    pub(crate) token: TransferToken,
    pub(crate) user: UserId,
    /// Whether the user signed in with a second factor.
    pub(crate) has_second_factor: bool,
    pub(crate) author: Author,
}

/// A transfer with what it is about.
#[derive(Clone, Debug)]
pub(crate) struct FoundTransfer {
    pub(crate) transfer: Transfer,
    pub(crate) admission: Admission,
    pub(crate) listing: Listing,
    /// The status at this time.
    pub(crate) status: TransferStatus,
}

/// Why an offer is not answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnswerError {
    #[error("there is no such transfer")]
    NotFound,
    #[error("you have offered this ticket yourself")]
    Own,
    #[error("the offer has ended: it is {0}")]
    Ended(TransferStatus),
    #[error("the seller requires that holders sign in with a second factor")]
    SecondFactorRequired,
    #[error(transparent)]
    AccountClosing(#[from] AccountClosing),
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Returns the transfer of a token.
pub(crate) fn find_transfer(
    conn: &Connection,
    now: Timestamp,
    token: &TransferToken,
) -> Result<FoundTransfer, AnswerError> {
    let transfer = store::transfer_of_token(conn, token.hash())?.ok_or(AnswerError::NotFound)?;
    let admission = store::admission(conn, transfer.state().admission_id)?.ok_or(AnswerError::NotFound)?;
    let listing = store::listing(conn, transfer.state().ticket_id)?.ok_or(AnswerError::NotFound)?;
    let status = transfer.status_at(now, Some(&admission), Some(&listing));
    Ok(FoundTransfer {
        transfer,
        admission,
        listing,
        status,
    })
}

/// Returns an open offer that the user can answer.
fn find_open(tx: &Tx, now: Timestamp, answer: &AnswerTransfer) -> Result<FoundTransfer, AnswerError> {
    let found = find_transfer(tx, now, &answer.token)?;
    if found.transfer.state().from_id == answer.user {
        Err(AnswerError::Own)
    } else if found.status == TransferStatus::Offered {
        Ok(found)
    } else {
        Err(AnswerError::Ended(found.status))
    }
}

/// Accepts an offer: the admission has a new holder and a new code, and the former code is void from this commit on. Publishes
/// `transfer.ended` and `admission.transferred`. Of two who accept at the same moment, one commits first. Who has accepted it
/// already gets the same response.
pub(crate) fn accept_transfer(
    tx: &Tx,
    now: Timestamp,
    codes: &Codes,
    answer: &AnswerTransfer,
) -> Result<FoundTransfer, AnswerError> {
    let known = find_transfer(tx, now, &answer.token)?;
    let is_theirs = known.transfer.state().to_id == Some(answer.user);
    if is_theirs && known.admission.state().holder_id == answer.user {
        return Ok(known);
    }
    let mut found = find_open(tx, now, answer)?;
    closures::ensure_open::<AnswerError>(tx, answer.user)?;
    if found.listing.state().terms.requires_second_factor && !answer.has_second_factor {
        return Err(AnswerError::SecondFactorRequired);
    }
    found.transfer.accept(answer.user, now);
    found.status = TransferStatus::Accepted;
    let (id, ticket) = (found.admission.id(), found.admission.state().ticket_id);
    found.admission.transfer(answer.user, codes.new_code(ticket, id), now);
    store::update_transfer(tx, &found.transfer)?;
    store::update_admission(tx, &found.admission)?;
    audit::append_limited(tx, now, &answer.author.did("transfer-accept", &id))?;
    publish_transfer(tx, now, &found.transfer)?;
    publish_admission(tx, now, &found.admission)?;
    Ok(found)
}

/// Declines an offer, and publishes `transfer.ended`. One that is declined already is no error.
pub(crate) fn decline_transfer(tx: &Tx, now: Timestamp, answer: &AnswerTransfer) -> Result<(), AnswerError> {
    let mut found = match find_open(tx, now, answer) {
        Err(AnswerError::Ended(TransferStatus::Declined)) => return Ok(()),
        found => found?,
    };
    end_transfer(tx, now, &mut found.transfer, TransferStatus::Declined)?;
    audit::append_limited(tx, now, &answer.author.did("transfer-decline", &found.admission.id()))?;
    Ok(())
}

#[cfg(test)]
mod tests;
