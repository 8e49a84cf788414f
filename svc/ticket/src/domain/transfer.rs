//! A transfer: the offer of an admission to somebody else, and how it ended.

use std::time::Duration;

use events::TransferStatus;
use values::{AdmissionId, Language, TicketId, Timestamp, TransferId, UserId};

use super::{admission::Admission, listing::Listing};

/// The time within which an offer can be accepted, unless the event begins before.
pub(crate) const OFFER_LIFETIME: Duration = Duration::from_hours(24 * 7);

/// The offer of an admission, and how it ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Transfer {
    state: TransferState,
}

/// The state of a transfer as it is stored and published.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct TransferState {
    pub(crate) id: TransferId,
    pub(crate) admission_id: AdmissionId,
    pub(crate) ticket_id: TicketId,
    pub(crate) from_id: UserId,
    /// Who has accepted it.
    pub(crate) to_id: Option<UserId>,
    pub(crate) status: TransferStatus,
    /// Where and how it can be accepted; `None` once it has ended.
    pub(crate) mail: Option<OfferMail>,
    pub(crate) language: Language,
    /// By which it is found.
    pub(crate) token_hash: [u8; 32],
    pub(crate) expires_at: Timestamp,
    pub(crate) version: u64,
    pub(crate) offered_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// The mail of an offer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct OfferMail {
    pub(crate) address: String,
    pub(crate) sealed_token: Vec<u8>,
}

/// A new offer.
#[derive(Clone, Debug)]
pub(crate) struct NewTransfer {
    pub(crate) id: TransferId,
    pub(crate) mail: OfferMail,
    pub(crate) token_hash: [u8; 32],
    pub(crate) language: Language,
}

/// An open offer as the holder of the admission sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct OpenOffer {
    pub(crate) address: String,
    pub(crate) offered_at: Timestamp,
    /// When it ends: also with the begin of the event.
    pub(crate) expires_at: Timestamp,
}

/// Why an admission cannot be offered or accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum CannotTransfer {
    #[error("it was used, or is void")]
    NotValid,
    #[error("the listing is withdrawn")]
    Withdrawn,
    #[error("the event has begun")]
    Begun,
}

impl Transfer {
    /// Offers a valid admission before its event begins.
    pub(crate) fn offer(
        new: NewTransfer,
        admission: &Admission,
        listing: &Listing,
        now: Timestamp,
    ) -> Result<Self, CannotTransfer> {
        check(admission, listing, now)?;
        let (of, until) = (admission.state(), now + OFFER_LIFETIME);
        let starts_at = listing.state().terms.starts_at;
        Ok(Self {
            state: TransferState {
                id: new.id,
                admission_id: of.id,
                ticket_id: of.ticket_id,
                from_id: of.holder_id,
                to_id: None,
                status: TransferStatus::Offered,
                mail: Some(new.mail),
                language: new.language,
                token_hash: new.token_hash,
                expires_at: starts_at.map_or(until, |starts_at| starts_at.min(until)),
                version: 1,
                offered_at: now,
                updated_at: now,
            },
        })
    }

    /// Rebuilds a transfer from its stored or published state.
    pub(crate) fn from_state(state: TransferState) -> Self {
        Self { state }
    }

    /// Returns the status at a time: an offer ends when its time is over, the event begins, the listing is withdrawn, or the
    /// admission is not valid or not the giver's any more, also while that is not stored yet.
    pub(crate) fn status_at(
        &self,
        now: Timestamp,
        admission: Option<&Admission>,
        listing: Option<&Listing>,
    ) -> TransferStatus {
        if self.state.status != TransferStatus::Offered {
            return self.state.status;
        }
        let is_givers = |admission: &Admission| admission.state().holder_id == self.state.from_id;
        match (admission, listing) {
            (Some(admission), Some(listing)) if is_givers(admission) => match check(admission, listing, now) {
                Ok(()) if now < self.state.expires_at => TransferStatus::Offered,
                Ok(()) | Err(CannotTransfer::Begun) => TransferStatus::Expired,
                Err(CannotTransfer::NotValid | CannotTransfer::Withdrawn) => TransferStatus::Cancelled,
            },
            _ => TransferStatus::Cancelled,
        }
    }

    /// Returns the offer while it is open.
    pub(crate) fn as_offer(&self) -> Option<OpenOffer> {
        self.state.mail.as_ref().map(|mail| OpenOffer {
            address: mail.address.clone(),
            offered_at: self.state.offered_at,
            expires_at: self.state.expires_at,
        })
    }

    /// Accepts the offer.
    pub(crate) fn accept(&mut self, by: UserId, now: Timestamp) {
        self.state.to_id = Some(by);
        self.end(TransferStatus::Accepted, now);
    }

    /// Ends the offer without a new holder. One that has ended stays as it is. Returns whether it was open.
    pub(crate) fn end_as(&mut self, status: TransferStatus, now: Timestamp) -> bool {
        let is_open = self.state.status == TransferStatus::Offered;
        if is_open {
            self.end(status, now);
        }
        is_open
    }

    fn end(&mut self, status: TransferStatus, now: Timestamp) {
        self.state.status = status;
        self.state.mail = None;
        self.state.version += 1;
        // A clock that was set back does not make a transfer younger.
        self.state.updated_at = now.max(self.state.updated_at);
    }

    /// Marks an offer as superseded by a newer one of its admission, while the event that ended it has not been recovered.
    pub(crate) fn supersede(&mut self) {
        self.state.status = TransferStatus::Cancelled;
        self.state.mail = None;
    }

    /// Returns the whole state.
    pub(crate) fn state(&self) -> &TransferState {
        &self.state
    }
}

fn check(admission: &Admission, listing: &Listing, now: Timestamp) -> Result<(), CannotTransfer> {
    let starts_at = listing.state().terms.starts_at;
    if !admission.is_valid() {
        Err(CannotTransfer::NotValid)
    } else if listing.is_withdrawn() {
        Err(CannotTransfer::Withdrawn)
    } else if starts_at.is_some_and(|starts_at| starts_at <= now) {
        Err(CannotTransfer::Begun)
    } else {
        Ok(())
    }
}
