//! What changing and withdrawing have in common: only the seller may, and only the state that they have seen.

use std::net::IpAddr;

use audit::Entry;
use chassis::ClientAddress;
use closures::AccountClosing;
use rusqlite::Connection;
use values::{TicketId, UserId};

use crate::{
    domain::{CannotChange, EntityTagCondition, Listing},
    store,
};

/// A request to edit a listing.
#[derive(Clone, Debug)]
pub(crate) struct Edit {
    pub(crate) ticket_id: TicketId,
    pub(crate) user_id: UserId,
    /// The network address of the user.
    pub(crate) client: IpAddr,
    /// The state that the user has seen; `None` edits any state.
    pub(crate) if_match: Option<EntityTagCondition>,
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
    #[error("your pictures occupy too much space")]
    TooManyImages,
    #[error(transparent)]
    CannotChange(#[from] CannotChange),
    #[error(transparent)]
    AccountClosing(#[from] AccountClosing),
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl Edit {
    /// Creates a request of a user.
    pub(crate) fn new(
        ticket_id: TicketId,
        user_id: UserId,
        client: ClientAddress,
        if_match: Option<EntityTagCondition>,
    ) -> Self {
        Self {
            ticket_id,
            user_id,
            client: client.0,
            if_match,
        }
    }

    /// Returns the entry of the audit log for an edit.
    pub(super) fn entry(&self, action: &'static str) -> Entry {
        let author = ClientAddress(self.client).author(self.user_id);
        author.did(action, &self.ticket_id)
    }

    /// Returns the listing if the user is its seller.
    pub(super) fn listing(&self, conn: &Connection) -> Result<Listing, EditError> {
        let listing = store::listing(conn, self.ticket_id)?.ok_or(EditError::NotFound(self.ticket_id))?;
        if listing.seller_id() == self.user_id {
            Ok(listing)
        } else {
            Err(EditError::NotTheSeller)
        }
    }

    /// Refuses to overwrite a change that the user has not seen.
    pub(super) fn check_seen(&self, listing: &Listing) -> Result<(), EditError> {
        let is_seen = self.if_match.as_ref().is_none_or(|seen| seen.allows_change(listing));
        if is_seen { Ok(()) } else { Err(EditError::Stale) }
    }
}
