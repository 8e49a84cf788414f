//! Every statement on listings and holds; the list has its own room, `browse`.

use db::{RowReader, read_row};
use events::RefundTerms;
use rusqlite::{Connection, OptionalExtension, named_params};
use values::{Money, OrderId, TicketId};

use crate::{
    browse,
    listing::{Listing, Stock},
    offer::Terms,
};

db::columns! {
    /// The columns of a listing, read from `listing l`.
    LISTING: "listing" as "l" = [
        id, seller_id, title, description, venue, starts_at, amount, currency, order_window_seconds, refundable_until,
        resell_refunded, wanted, version, created_at, updated_at, withdrawn_at,
    ];
}

/// The SELECT list of a [`Listing`] with its stock, from `listing l` and `stock s`.
pub(crate) fn columns() -> String {
    format!("{}, coalesce(s.held, 0), coalesce(s.sold, 0)", LISTING.select)
}

/// Reads [`columns`].
pub(crate) fn listing(row: &mut RowReader<'_, '_>) -> rusqlite::Result<Listing> {
    Ok(Listing {
        id: row.next()?,
        seller_id: row.next()?,
        terms: Terms {
            title: row.next()?,
            description: row.next()?,
            venue: row.next()?,
            starts_at: row.next()?,
            price: Money {
                amount: row.next()?,
                currency: row.next()?,
            },
            order_window_seconds: row.next()?,
            refunds: RefundTerms {
                refundable_until: row.next()?,
                resell_refunded: row.next()?,
            },
        },
        wanted: row.next()?,
        version: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
        withdrawn_at: row.next()?,
        stock: Stock {
            held: row.next()?,
            sold: row.next()?,
        },
    })
}

/// A listing, withdrawn or not.
pub(crate) fn find(conn: &Connection, id: TicketId) -> Result<Option<Listing>, db::Error> {
    let sql = format!(
        "SELECT {} FROM listing l LEFT JOIN stock s ON s.ticket_id = l.id WHERE l.id = ?1",
        columns()
    );
    Ok(conn
        .prepare_cached(&sql)?
        .query_row([id], read_row(listing))
        .optional()?)
}

/// Keeps a new listing.
pub(crate) fn insert(conn: &Connection, listing: &Listing) -> Result<(), db::Error> {
    let Listing { terms, .. } = listing;
    let sql = format!(
        "INSERT INTO listing ({}, placed) VALUES ({}, (SELECT coalesce(max(placed), 0) + 1 FROM listing))",
        LISTING.names, LISTING.placeholders
    );
    conn.prepare_cached(&sql)?.execute(named_params! {
        ":id": listing.id,
        ":seller_id": listing.seller_id,
        ":title": terms.title,
        ":description": terms.description,
        ":venue": terms.venue,
        ":starts_at": terms.starts_at,
        ":currency": terms.price.currency,
        ":amount": terms.price.amount,
        ":wanted": listing.wanted,
        ":order_window_seconds": terms.order_window_seconds,
        ":version": listing.version.cast_signed(),
        ":created_at": listing.created_at,
        ":updated_at": listing.updated_at,
        ":withdrawn_at": listing.withdrawn_at,
        ":refundable_until": terms.refunds.refundable_until,
        ":resell_refunded": terms.refunds.resell_refunded,
    })?;
    Ok(())
}

/// Keeps a changed listing; forgets the places that nobody can be paging through any more.
pub(crate) fn update(conn: &Connection, listing: &Listing) -> Result<(), db::Error> {
    let Listing { terms, .. } = listing;
    conn.prepare_cached(
        "UPDATE listing SET title = :title, description = :description, venue = :venue, starts_at = :starts_at,
             currency = :currency, amount = :amount, wanted = :wanted, order_window_seconds = :order_window_seconds,
             version = :version, updated_at = :updated_at, withdrawn_at = :withdrawn_at,
             refundable_until = :refundable_until, resell_refunded = :resell_refunded
         WHERE id = :id",
    )?
    .execute(named_params! {
        ":id": listing.id,
        ":title": terms.title,
        ":description": terms.description,
        ":venue": terms.venue,
        ":starts_at": terms.starts_at,
        ":currency": terms.price.currency,
        ":amount": terms.price.amount,
        ":wanted": listing.wanted,
        ":order_window_seconds": terms.order_window_seconds,
        ":version": listing.version.cast_signed(),
        ":updated_at": listing.updated_at,
        ":withdrawn_at": listing.withdrawn_at,
        ":refundable_until": terms.refunds.refundable_until,
        ":resell_refunded": terms.refunds.resell_refunded,
    })?;
    conn.prepare_cached("DELETE FROM former_place WHERE replaced_at < ?1")?
        .execute([listing.updated_at - browse::CURSOR_LIFETIME])?;
    Ok(())
}

/// The listings after `after`, in the order of their ids.
pub(crate) fn page(conn: &Connection, after: &str, limit: u32) -> Result<Vec<Listing>, db::Error> {
    let sql = format!(
        "SELECT {} FROM listing l LEFT JOIN stock s ON s.ticket_id = l.id WHERE l.id > ?1 ORDER BY l.id LIMIT ?2",
        columns()
    );
    let mut found = conn.prepare_cached(&sql)?;
    let listings = found.query_map((after, limit), read_row(listing))?;
    Ok(listings.collect::<Result<_, _>>()?)
}

/// The newest listing, and the newest order that was heard of.
pub(crate) fn newest(conn: &Connection) -> Result<(Option<TicketId>, Option<OrderId>), db::Error> {
    let newest = "SELECT (SELECT max(id) FROM listing), (SELECT max(order_id) FROM hold)";
    Ok(conn.query_row(newest, [], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// Keeps the state of an order, unless a later one is known; its listing need not be.
pub(crate) fn hold(conn: &Connection, order: &events::Order) -> Result<(), db::Error> {
    let returned = order.after_sale.as_ref().map_or(0, |after| after.returned_quantity);
    conn.prepare_cached(
        "INSERT INTO hold (order_id, ticket_id, quantity, status, version, returned)
         VALUES (:order_id, :ticket_id, :quantity, :status, :version, :returned)
         ON CONFLICT (order_id) DO UPDATE
         SET ticket_id = excluded.ticket_id, quantity = excluded.quantity, status = excluded.status,
             version = excluded.version, returned = excluded.returned
         WHERE excluded.version > version",
    )?
    .execute(named_params! {
        ":order_id": order.id,
        ":ticket_id": order.ticket_id,
        ":quantity": order.quantity,
        ":status": order.status,
        ":version": order.version.cast_signed(),
        ":returned": returned,
    })?;
    Ok(())
}

/// How often a listing's place in the sorted lists was set, over all listings.
pub(crate) fn latest_place(conn: &Connection) -> Result<i64, db::Error> {
    Ok(conn
        .prepare_cached("SELECT coalesce(max(placed), 0) FROM listing")?
        .query_row([], |row| row.get(0))?)
}

/// How many listings there are in each state that there ever was one in.
pub(crate) fn tally(conn: &Connection) -> Result<Vec<(String, i64)>, db::Error> {
    let mut counted = conn.prepare_cached("SELECT state, listings FROM tally")?;
    let counted = counted.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(counted.collect::<Result<_, _>>()?)
}

/// What `check` looks for.
pub(crate) const INVARIANTS: &[db::admin::Invariant] = &[
    db::admin::Invariant {
        name: "what is held and sold is the sum of the orders",
        sql: "SELECT ticket_id, o.held AS held_by_orders, s.held, o.sold AS sold_by_orders, s.sold
              FROM (SELECT ticket_id, sum(held) AS held, sum(sold - returned) AS sold FROM hold GROUP BY ticket_id) o
              FULL JOIN stock s USING (ticket_id)
              WHERE o.held IS NOT s.held OR o.sold IS NOT s.sold",
    },
    db::admin::Invariant {
        name: "each listing can be found by its words",
        sql: "SELECT id FROM listing WHERE number NOT IN (SELECT id FROM listing_words_docsize)",
    },
    db::admin::Invariant {
        name: "each listing has had one place at a time",
        sql: "SELECT f.number, f.until FROM former_place f
              WHERE f.until NOT IN (SELECT placed FROM listing WHERE number = f.number
                                    UNION ALL SELECT placed FROM former_place WHERE number = f.number)",
    },
    db::admin::Invariant {
        name: "the tally counts the listings",
        sql: "SELECT state, l.listings, t.listings AS counted
              FROM (SELECT iif(withdrawn_at IS NULL, 'on-sale', 'withdrawn') AS state, count(*) AS listings
                    FROM listing GROUP BY 1) l
              FULL JOIN tally t USING (state) WHERE coalesce(l.listings, 0) IS NOT t.listings",
    },
    db::admin::Invariant {
        name: "nothing was withdrawn before it was listed",
        sql: "SELECT id FROM listing WHERE withdrawn_at IS NOT NULL AND version < 2",
    },
];
