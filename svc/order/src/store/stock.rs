use std::time::Duration;

use db::Error;
use events::Ticket;
use rusqlite::{Connection, OptionalExtension};
use values::{Money, TicketId};

use crate::domain::Listing;

/// A listing, if the ticket service has told us of it.
pub(crate) fn listing(conn: &Connection, id: TicketId) -> Result<Option<Listing>, Error> {
    let found = conn
        .prepare_cached(
            "SELECT seller_id, title, amount, currency, starts_at, order_window_seconds, withdrawn_at,
                    refundable_until, resell_refunded, quantity - held - sold AS left
             FROM listing WHERE id = ?",
        )?
        .query_row([id], |row| {
            Ok(Listing {
                id,
                seller_id: row.get("seller_id")?,
                title: row.get("title")?,
                price: Money {
                    amount: row.get("amount")?,
                    currency: row.get("currency")?,
                },
                starts_at: row.get("starts_at")?,
                window: row
                    .get::<_, Option<u32>>("order_window_seconds")?
                    .map(|seconds| Duration::from_secs(seconds.into())),
                withdrawn_at: row.get("withdrawn_at")?,
                refundable_until: row.get("refundable_until")?,
                resell_refunded: row.get("resell_refunded")?,
                left: row.get("left")?,
            })
        })
        .optional()?;
    Ok(found)
}

/// Takes what the ticket service says, if it is news; says whether it was.
///
/// A seller who wants to sell fewer than are taken gets as many as are taken: this row decides.
pub(crate) fn adopt(conn: &Connection, ticket: &Ticket) -> Result<bool, Error> {
    let changed = conn
        .prepare_cached(
            "INSERT INTO listing (id, version, seller_id, title, amount, currency, starts_at, order_window_seconds,
                                  withdrawn_at, wanted, quantity, refundable_until, resell_refunded)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11, ?12)
             ON CONFLICT (id) DO UPDATE SET
                 version = excluded.version, title = excluded.title, amount = excluded.amount,
                 currency = excluded.currency, starts_at = excluded.starts_at,
                 order_window_seconds = excluded.order_window_seconds, withdrawn_at = excluded.withdrawn_at,
                 refundable_until = excluded.refundable_until, resell_refunded = excluded.resell_refunded,
                 wanted = excluded.wanted, quantity = max(excluded.wanted, held + sold)
             WHERE excluded.version > version",
        )?
        .execute((
            ticket.id,
            ticket.version,
            ticket.seller_id,
            &ticket.title,
            ticket.price.amount,
            ticket.price.currency,
            ticket.starts_at,
            ticket.order_window_seconds,
            ticket.withdrawn_at,
            ticket.quantity,
            ticket.refund_terms.refundable_until,
            ticket.refund_terms.resell_refunded,
        ))?;
    Ok(changed > 0)
}

/// Holds tickets, if as many are left: this statement decides every race.
pub(crate) fn hold(conn: &Connection, id: TicketId, count: u32) -> Result<bool, Error> {
    let held = conn
        .prepare_cached(
            "UPDATE listing SET held = held + ?2
             WHERE id = ?1 AND withdrawn_at IS NULL AND held + sold + ?2 <= quantity",
        )?
        .execute((id, count))?;
    Ok(held == 1)
}

/// Puts held tickets on sale again, unless the seller wants to sell fewer by now.
pub(crate) fn release(conn: &Connection, id: TicketId, count: u32) -> Result<(), Error> {
    conn.prepare_cached("UPDATE listing SET held = held - ?2, quantity = max(wanted, held - ?2 + sold) WHERE id = ?1")?
        .execute((id, count))?;
    Ok(())
}

/// Turns held tickets into sold ones.
pub(crate) fn sell(conn: &Connection, id: TicketId, count: u32) -> Result<(), Error> {
    conn.prepare_cached("UPDATE listing SET held = held - ?2, sold = sold + ?2 WHERE id = ?1")?
        .execute((id, count))?;
    Ok(())
}

/// Counts what an order that is taken back holds and has bought, beside what was counted of it; says whether the listing is
/// known.
pub(crate) fn shift(conn: &Connection, id: TicketId, held: i64, sold: i64) -> Result<bool, Error> {
    let shifted = conn
        .prepare_cached(
            "UPDATE listing SET held = held + ?2, sold = sold + ?3, quantity = max(wanted, held + ?2 + sold + ?3)
             WHERE id = ?1",
        )?
        .execute((id, held, sold))?;
    Ok(shifted == 1)
}
