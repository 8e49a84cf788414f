use std::time::Duration;

use audit::Author;
use closures::AccountClosing;
use db::Tx;
use text::Email;
use values::{AdmissionId, Language, Timestamp, TransferId, UserId};

use super::end_transfers::end_transfer;
use crate::{
    domain::{CannotTransfer, Codes, NewTransfer, OfferMail, Transfer, TransferToken},
    events::publish_transfer,
    store,
};

/// The number of tickets that a user can offer in [`OFFER_PERIOD`]: each sends a mail to a stranger.
const MAX_OFFERS: u32 = 30;

const OFFER_PERIOD: Duration = Duration::from_hours(24);

/// A ticket to give to somebody else.
#[derive(Clone, Debug)]
pub(crate) struct OfferTransfer {
    pub(crate) admission_id: AdmissionId,
    pub(crate) giver: UserId,
    pub(crate) address: Email,
    pub(crate) author: Author,
}

/// Why a ticket is not offered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OfferError {
    #[error("you have no admission {0}")]
    NotFound(AdmissionId),
    /// Somebody else holds it.
    #[error("you have no admission {0}")]
    NotYours(AdmissionId),
    #[error(transparent)]
    CannotTransfer(#[from] CannotTransfer),
    #[error("it is offered already")]
    AlreadyOffered,
    #[error("must be the address of somebody else")]
    OwnAddress,
    #[error("too many tickets were offered")]
    TooMany { wait: Duration },
    #[error(transparent)]
    AccountClosing(#[from] AccountClosing),
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Offers a ticket to the holder of an address, and publishes `transfer.offered`, upon which the offer is mailed. The holder of the
/// ticket keeps it until the offer is accepted.
pub(crate) fn offer_transfer(
    tx: &Tx,
    now: Timestamp,
    codes: &Codes,
    offer: &OfferTransfer,
) -> Result<Transfer, OfferError> {
    let id = offer.admission_id;
    let admission = store::admission(tx, id)?.ok_or(OfferError::NotFound(id))?;
    if admission.state().holder_id != offer.giver {
        return Err(OfferError::NotYours(id));
    }
    closures::ensure_open::<OfferError>(tx, offer.giver)?;
    let listing = store::listing(tx, admission.state().ticket_id)?.ok_or(OfferError::NotFound(id))?;
    if let Some(mut open) = store::offer_of_admission(tx, id)? {
        let status = open.status_at(now, Some(&admission), Some(&listing));
        if status == events::TransferStatus::Offered {
            return Err(OfferError::AlreadyOffered);
        }
        end_transfer(tx, now, &mut open, status)?;
    }
    let transfer_id = TransferId::new(now);
    let (token, account) = (TransferToken::random(), store::mail_account(tx, offer.giver)?);
    let (own_address, language) = account.unwrap_or((String::new(), Language::default()));
    if offer.address.is_spelled(&own_address) {
        return Err(OfferError::OwnAddress);
    }
    let new = NewTransfer {
        id: transfer_id,
        mail: OfferMail {
            address: offer.address.as_str().to_owned(),
            sealed_token: codes.seal_token(transfer_id, &token),
        },
        token_hash: token.hash(),
        language,
    };
    let transfer = Transfer::offer(new, &admission, &listing, now)?;
    if let Some(first) = store::offered_before(tx, offer.giver, now - OFFER_PERIOD, MAX_OFFERS)? {
        return Err(OfferError::TooMany {
            wait: now.until(first + OFFER_PERIOD),
        });
    }
    store::insert_transfer(tx, &transfer)?;
    audit::append_limited(tx, now, &offer.author.did("transfer-offer", &id))?;
    publish_transfer(tx, now, &transfer)?;
    Ok(transfer)
}
