use rusqlite::Connection;
use values::{TicketId, UserId};

use crate::store;

/// Why a user does not see the orders of a listing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OrdersError {
    #[error("you have no listing {0}")]
    NotFound(TicketId),
    /// It belongs to another seller.
    #[error("you have no listing {0}")]
    NotYours(TicketId),
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Checks that a user is the seller of a listing: nobody else sees its orders.
pub(crate) fn check_seller(conn: &Connection, seller: UserId, ticket: TicketId) -> Result<(), OrdersError> {
    match store::listing(conn, ticket)? {
        Some(listing) if listing.seller_id() == seller => Ok(()),
        Some(_) => Err(OrdersError::NotYours(ticket)),
        None => Err(OrdersError::NotFound(ticket)),
    }
}
