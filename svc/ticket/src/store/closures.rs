//! What prevents the deletion of an account, and what is erased with it.

use closures::LONGEST_EVENT;
use db::Tx;
use rusqlite::Connection;
use values::{Timestamp, UserId};

use crate::domain::OFFER_LIFETIME;

/// Listings of a seller that are not over, one of them: the event begins after a time, or there is no date and tickets are left.
const LISTED: &str = "SELECT 1 FROM listing l LEFT JOIN stock s ON s.ticket_id = l.id
    WHERE l.seller_id = ?1 AND l.withdrawn_at IS NULL
    AND (l.starts_at > ?2 OR (l.starts_at IS NULL AND coalesce(s.held + s.sold, 0) < l.wanted)) LIMIT 1";

/// Whether the user has listings that are not over.
pub(crate) fn has_open_listings(conn: &Connection, user: UserId, now: Timestamp) -> Result<bool, db::Error> {
    Ok(conn.prepare_cached(LISTED)?.exists((user, now - LONGEST_EVENT))?)
}

/// Open offers of a giver, one of them: an offer is open for some days at most.
const OFFERED: &str = "SELECT 1 FROM transfer INDEXED BY transfer_of_giver
    WHERE from_id = ?1 AND offered_at > ?2 AND status = 'offered' AND expires_at > ?3 LIMIT 1";

/// Whether the user has offered tickets to somebody who has not answered.
pub(crate) fn has_open_offers(conn: &Connection, user: UserId, now: Timestamp) -> Result<bool, db::Error> {
    Ok(conn
        .prepare_cached(OFFERED)?
        .exists((user, now - OFFER_LIFETIME, now))?)
}

/// Revokes the doors of a seller's listings, and erases their names.
pub(crate) fn erase_doors(tx: &Tx, seller: UserId, now: Timestamp) -> Result<(), db::Error> {
    for listings in [
        "SELECT id FROM listing WHERE seller_id = ?1 AND withdrawn_at IS NULL",
        "SELECT id FROM listing WHERE seller_id = ?1 AND withdrawn_at IS NOT NULL",
    ] {
        tx.prepare_cached(&format!(
            "UPDATE door SET name = '-', revoked_at = coalesce(revoked_at, ?2) WHERE ticket_id IN ({listings})"
        ))?
        .execute((seller, now))?;
    }
    Ok(())
}
