//! The replica of listings, and the stock: the one row that decides who gets a ticket.

use std::time::Duration;

use db::{Error, NamedParameters, Tx};
use events::Ticket;
use rusqlite::{Connection, OptionalExtension, named_params};
use values::{Money, TicketId};

use crate::domain::Listing;

db::columns! {
    /// The replicated columns of a listing.
    LISTING: "listing" = [
        id, version, seller_id, title, amount, currency, starts_at, order_window_seconds, withdrawn_at,
        refundable_until, resell_refunded, max_per_buyer, sales_begin, sales_end, requires_second_factor, wanted,
    ];
}

/// Returns a listing, if the replica contains it.
pub(crate) fn find_listing(conn: &Connection, id: TicketId) -> Result<Option<Listing>, Error> {
    let listing = conn
        .prepare_cached(
            "SELECT version, seller_id, title, amount, currency, starts_at, order_window_seconds, withdrawn_at, refundable_until,
                    resell_refunded, max_per_buyer, sales_begin, sales_end, requires_second_factor, quantity - held - sold
             FROM listing WHERE id = ?",
        )?
        .query_row(
            [id],
            db::read_row(|row| {
                Ok(Listing {
                    id,
                    version: row.next()?,
                    seller_id: row.next()?,
                    title: row.next()?,
                    price: Money {
                        amount: row.next()?,
                        currency: row.next()?,
                    },
                    starts_at: row.next()?,
                    order_window: row
                        .next::<Option<u32>>()?
                        .map(|seconds| Duration::from_secs(seconds.into())),
                    withdrawn_at: row.next()?,
                    refundable_until: row.next()?,
                    resell_refunded: row.next()?,
                    max_per_buyer: row.next()?,
                    sales_begin: row.next()?,
                    sales_end: row.next()?,
                    requires_second_factor: row.next()?,
                    available: row.next()?,
                })
            }),
        )
        .optional()?;
    Ok(listing)
}

/// Inserts or updates a listing unless the stored version is as new. Returns whether it was stored.
///
/// The number of tickets never falls below those held and sold, even if the seller wants to sell fewer. A release that did
/// not know a rule of the sale stored the version without it; the same version, published again, adds it.
pub(crate) fn upsert_listing(tx: &Tx, ticket: &Ticket) -> Result<bool, Error> {
    let sql = format!(
        "INSERT INTO listing ({}, quantity) VALUES ({}, :wanted)
         ON CONFLICT (id) DO UPDATE SET
             version = excluded.version, title = excluded.title, amount = excluded.amount, currency = excluded.currency,
             starts_at = excluded.starts_at, order_window_seconds = excluded.order_window_seconds,
             withdrawn_at = excluded.withdrawn_at, refundable_until = excluded.refundable_until,
             resell_refunded = excluded.resell_refunded, max_per_buyer = excluded.max_per_buyer, sales_begin = excluded.sales_begin,
             sales_end = excluded.sales_end, requires_second_factor = excluded.requires_second_factor, wanted = excluded.wanted,
             quantity = max(excluded.wanted, held + sold)
         WHERE excluded.version > version
            OR excluded.version = version AND (
                max_per_buyer IS NULL AND excluded.max_per_buyer IS NOT NULL
                OR sales_begin IS NULL AND excluded.sales_begin IS NOT NULL
                OR sales_end IS NULL AND excluded.sales_end IS NOT NULL
                OR requires_second_factor < excluded.requires_second_factor
            )",
        LISTING.names, LISTING.placeholders
    );
    let changed = tx.prepare_cached(&sql)?.execute_named(named_params! {
        ":id": ticket.id,
        ":version": ticket.version,
        ":seller_id": ticket.seller_id,
        ":title": ticket.title,
        ":amount": ticket.price.amount,
        ":currency": ticket.price.currency,
        ":starts_at": ticket.starts_at,
        ":order_window_seconds": ticket.order_window_seconds,
        ":withdrawn_at": ticket.withdrawn_at,
        ":refundable_until": ticket.refund_terms.refundable_until,
        ":resell_refunded": ticket.refund_terms.resell_refunded,
        ":max_per_buyer": ticket.max_per_buyer,
        ":sales_begin": ticket.sales_begin,
        ":sales_end": ticket.sales_end,
        ":requires_second_factor": ticket.requires_second_factor,
        ":wanted": ticket.quantity,
    })?;
    Ok(changed > 0)
}

/// Holds tickets if that many are available. Returns whether they are held: this statement decides every race.
pub(crate) fn hold_tickets(tx: &Tx, id: TicketId, count: u32) -> Result<bool, Error> {
    let held = tx
        .prepare_cached(
            "UPDATE listing SET held = held + ?2
             WHERE id = ?1 AND withdrawn_at IS NULL AND held + sold + ?2 <= quantity",
        )?
        .execute((id, count))?;
    Ok(held == 1)
}

/// Releases held tickets: they are available again, unless the seller wants to sell fewer by now.
pub(crate) fn release_tickets(tx: &Tx, id: TicketId, count: u32) -> Result<(), Error> {
    tx.prepare_cached("UPDATE listing SET held = held - ?2, quantity = max(wanted, held - ?2 + sold) WHERE id = ?1")?
        .execute((id, count))?;
    Ok(())
}

/// Turns held tickets into sold ones.
pub(crate) fn sell_held_tickets(tx: &Tx, id: TicketId, count: u32) -> Result<(), Error> {
    tx.prepare_cached("UPDATE listing SET held = held - ?2, sold = sold + ?2 WHERE id = ?1")?
        .execute((id, count))?;
    Ok(())
}

/// Adds to the number of held and of sold tickets, and raises the number of all tickets if they exceed it. Returns
/// whether the listing exists.
pub(crate) fn adjust_stock(tx: &Tx, id: TicketId, held: i64, sold: i64) -> Result<bool, Error> {
    let adjusted = tx
        .prepare_cached(
            "UPDATE listing SET held = held + ?2, sold = sold + ?3, quantity = max(wanted, held + ?2 + sold + ?3)
             WHERE id = ?1",
        )?
        .execute((id, held, sold))?;
    Ok(adjusted == 1)
}
