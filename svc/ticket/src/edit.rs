//! What changing and withdrawing have in common: only its seller may, and only what they have seen.

use db::Tx;
use values::{TicketId, UserId};

use crate::{
    listing::{CannotChange, Listing},
    store,
    tag::Condition,
};

/// Somebody wants to edit a listing.
#[derive(Clone, Debug)]
pub(crate) struct Edit {
    pub(crate) ticket_id: TicketId,
    pub(crate) by: UserId,
    /// Which state they have seen; any will do if they do not say.
    pub(crate) seen: Option<Condition>,
}

/// Why a listing was not edited.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EditError {
    #[error("there is no ticket {0}")]
    NotFound(TicketId),
    #[error("only its seller can change a ticket")]
    NotTheSeller,
    #[error("the ticket was changed since")]
    Stale,
    #[error(transparent)]
    Cannot(#[from] CannotChange),
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl Edit {
    /// The listing, if it is theirs.
    pub(crate) fn listing(&self, tx: &Tx) -> Result<Listing, EditError> {
        let listing = store::find(tx, self.ticket_id)?.ok_or(EditError::NotFound(self.ticket_id))?;
        if listing.seller_id == self.by {
            Ok(listing)
        } else {
            Err(EditError::NotTheSeller)
        }
    }

    /// Refuses to overwrite what they have not seen.
    pub(crate) fn check(&self, listing: &Listing) -> Result<(), EditError> {
        let fresh = self.seen.as_ref().is_none_or(|seen| seen.admits(listing));
        if fresh { Ok(()) } else { Err(EditError::Stale) }
    }
}
