use db::{NamedParameters, RowReader, Tx, read_row};
use events::RefundTerms;
use rusqlite::{Connection, OptionalExtension, named_params};
use values::{Money, OrderId, TicketId, Timestamp};

use super::search_index::index_terms;
use crate::domain::{
    CURSOR_LIFETIME, Image, Listing, ListingState, LongText, SalePeriod, ShortText, Stock, Terms, TimeZoneName,
};

db::columns! {
    /// The columns of a listing, read from `listing l`.
    LISTING: "listing" as "l" = [
        id, seller_id, title, description, venue, time_zone, starts_at, sales_begin, sales_end, amount, currency,
        order_window_seconds, requires_second_factor, refundable_until, resell_refunded, max_per_buyer, wanted, version, created_at, updated_at, withdrawn_at,
        image_hash, image_width, image_height,
    ];
}

/// Returns the SELECT list of a [`Listing`] with its stock, from `listing l` and `stock s`.
pub(super) fn columns() -> String {
    format!("{}, coalesce(s.held, 0), coalesce(s.sold, 0)", LISTING.select)
}

/// Reads [`columns`].
pub(super) fn read_listing(row: &mut RowReader<'_, '_>) -> rusqlite::Result<Listing> {
    Ok(Listing::from_state(ListingState {
        id: row.next()?,
        seller_id: row.next()?,
        terms: Terms {
            title: ShortText::from_stored(row.next()?),
            description: row.next::<Option<_>>()?.map(LongText::from_stored),
            venue: row.next::<Option<_>>()?.map(ShortText::from_stored),
            time_zone: row.next::<Option<_>>()?.map(TimeZoneName::from_stored),
            starts_at: row.next()?,
            sale: SalePeriod {
                begin: row.next()?,
                end: row.next()?,
            },
            price: Money {
                amount: row.next()?,
                currency: row.next()?,
            },
            order_window_seconds: row.next()?,
            requires_second_factor: row.next()?,
            refunds: RefundTerms {
                refundable_until: row.next()?,
                resell_refunded: row.next()?,
            },
            max_per_buyer: row.next()?,
        },
        wanted: row.next()?,
        version: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
        withdrawn_at: row.next()?,
        image: read_image(row)?,
        stock: Stock {
            held: row.next()?,
            sold: row.next()?,
        },
    }))
}

fn read_image(row: &mut RowReader<'_, '_>) -> rusqlite::Result<Option<Image>> {
    let (hash, width, height) = (
        row.next::<Option<_>>()?,
        row.next::<Option<_>>()?,
        row.next::<Option<_>>()?,
    );
    Ok(hash
        .zip(width)
        .zip(height)
        .map(|((hash, width), height)| Image { hash, width, height }))
}

/// Returns a listing, withdrawn or not.
pub(crate) fn listing(conn: &Connection, id: TicketId) -> Result<Option<Listing>, db::Error> {
    let sql = format!(
        "SELECT {} FROM listing l LEFT JOIN stock s ON s.ticket_id = l.id WHERE l.id = ?1",
        columns()
    );
    Ok(conn
        .prepare_cached(&sql)?
        .query_row([id], read_row(read_listing))
        .optional()?)
}

/// Inserts a new listing.
pub(crate) fn insert(tx: &Tx, listing: &Listing) -> Result<(), db::Error> {
    let listing = listing.state();
    let Terms {
        title, price, refunds, ..
    } = &listing.terms;
    let sql = format!(
        "INSERT INTO listing ({}, indexed_version, placed)
         VALUES ({}, :version, (SELECT coalesce(max(placed), 0) + 1 FROM listing)) RETURNING number",
        LISTING.names, LISTING.placeholders
    );
    let parameters = named_params! {
        ":id": listing.id,
        ":seller_id": listing.seller_id,
        ":title": title.as_str(),
        ":description": listing.terms.description.as_ref().map(LongText::as_str),
        ":venue": listing.terms.venue.as_ref().map(ShortText::as_str),
        ":starts_at": listing.terms.starts_at,
        ":currency": price.currency,
        ":amount": price.amount,
        ":wanted": listing.wanted,
        ":order_window_seconds": listing.terms.order_window_seconds,
        ":version": listing.version.cast_signed(),
        ":created_at": listing.created_at,
        ":updated_at": listing.updated_at,
        ":withdrawn_at": listing.withdrawn_at,
        ":refundable_until": refunds.refundable_until,
        ":resell_refunded": refunds.resell_refunded,
        ":max_per_buyer": listing.terms.max_per_buyer,
        ":time_zone": listing.terms.time_zone.as_ref().map(TimeZoneName::as_str),
        ":sales_begin": listing.terms.sale.begin,
        ":sales_end": listing.terms.sale.end,
        ":requires_second_factor": listing.terms.requires_second_factor,
        ":image_hash": listing.image.as_ref().map(|image| &image.hash),
        ":image_width": listing.image.as_ref().map(|image| image.width),
        ":image_height": listing.image.as_ref().map(|image| image.height),
    };
    let number = tx.prepare_cached(&sql)?.query_row(parameters, |row| row.get(0))?;
    index_terms(tx, number, &listing.terms)
}

/// Updates a changed listing, and purges former places that no valid cursor needs.
pub(crate) fn update(tx: &Tx, listing: &Listing) -> Result<(), db::Error> {
    let listing = listing.state();
    let Terms {
        title, price, refunds, ..
    } = &listing.terms;
    let unindexed = number_if_words_differ(tx, listing)?;
    tx.prepare_cached(
        "UPDATE listing SET title = :title, description = :description, venue = :venue, starts_at = :starts_at,
             currency = :currency, amount = :amount, wanted = :wanted, order_window_seconds = :order_window_seconds,
             version = :version, updated_at = :updated_at, withdrawn_at = :withdrawn_at,
             refundable_until = :refundable_until, resell_refunded = :resell_refunded, max_per_buyer = :max_per_buyer,
             time_zone = :time_zone, sales_begin = :sales_begin, sales_end = :sales_end,
             requires_second_factor = :requires_second_factor,
             image_hash = :image_hash, image_width = :image_width, image_height = :image_height,
             indexed_version = :version
         WHERE id = :id",
    )?
    .execute_named(named_params! {
        ":id": listing.id,
        ":title": title.as_str(),
        ":description": listing.terms.description.as_ref().map(LongText::as_str),
        ":venue": listing.terms.venue.as_ref().map(ShortText::as_str),
        ":starts_at": listing.terms.starts_at,
        ":currency": price.currency,
        ":amount": price.amount,
        ":wanted": listing.wanted,
        ":order_window_seconds": listing.terms.order_window_seconds,
        ":version": listing.version.cast_signed(),
        ":updated_at": listing.updated_at,
        ":withdrawn_at": listing.withdrawn_at,
        ":refundable_until": refunds.refundable_until,
        ":resell_refunded": refunds.resell_refunded,
        ":max_per_buyer": listing.terms.max_per_buyer,
        ":time_zone": listing.terms.time_zone.as_ref().map(TimeZoneName::as_str),
        ":sales_begin": listing.terms.sale.begin,
        ":sales_end": listing.terms.sale.end,
        ":requires_second_factor": listing.terms.requires_second_factor,
        ":image_hash": listing.image.as_ref().map(|image| &image.hash),
        ":image_width": listing.image.as_ref().map(|image| image.width),
        ":image_height": listing.image.as_ref().map(|image| image.height),
    })?;
    if let Some(number) = unindexed {
        index_terms(tx, number, &listing.terms)?;
    }
    tx.prepare_cached("DELETE FROM former_place WHERE replaced_at < ?1")?
        .execute([listing.updated_at - CURSOR_LIFETIME])?;
    Ok(())
}

/// Returns the number of a listing whose words in the search index are not those of its new state.
fn number_if_words_differ(tx: &Tx, new: &ListingState) -> Result<Option<i64>, db::Error> {
    let terms = &new.terms;
    let number = tx
        .prepare_cached(
            "SELECT number FROM listing
             WHERE id = ? AND (title, description, venue, indexed_version) IS NOT (?, ?, ?, version)",
        )?
        .query_row(
            (
                new.id,
                terms.title.as_str(),
                terms.description.as_ref().map(LongText::as_str),
                terms.venue.as_ref().map(ShortText::as_str),
            ),
            |row| row.get(0),
        )
        .optional()?;
    Ok(number)
}

/// Returns the listings after the id `after`, ordered by id.
pub(crate) fn listings_after(conn: &Connection, after: &str, limit: u32) -> Result<Vec<Listing>, db::Error> {
    let sql = format!(
        "SELECT {} FROM listing l LEFT JOIN stock s ON s.ticket_id = l.id WHERE l.id > ?1 ORDER BY l.id LIMIT ?2",
        columns()
    );
    let mut select = conn.prepare_cached(&sql)?;
    let listings = select.query_map((after, limit), read_row(read_listing))?;
    Ok(listings.collect::<Result<_, _>>()?)
}

/// Returns the newest listing and the newest order of the replica.
pub(crate) fn newest_ids(conn: &Connection) -> Result<(Option<TicketId>, Option<OrderId>), db::Error> {
    let newest = "SELECT (SELECT max(id) FROM listing), (SELECT max(order_id) FROM hold)";
    Ok(conn.query_row(newest, [], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

const NEXT_SALES_BEGIN: &str =
    "SELECT min(sales_begin) FROM listing WHERE withdrawn_at IS NULL AND sales_begin IS NOT NULL AND sales_begin > ?";

/// Returns when a sale begins next, after `now`.
pub(crate) fn next_sales_begin(conn: &Connection, now: Timestamp) -> Result<Option<Timestamp>, db::Error> {
    Ok(conn
        .prepare_cached(NEXT_SALES_BEGIN)?
        .query_row([now], |row| row.get(0))?)
}

/// Returns the number of listings by state.
pub(crate) fn count_by_state(conn: &Connection) -> Result<Vec<(String, i64)>, db::Error> {
    let mut counted = conn.prepare_cached("SELECT state, listings FROM tally")?;
    let counted = counted.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(counted.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::database;

    #[test]
    fn the_next_sale_is_found_by_an_index() {
        let plan = db::query_plan(&database(), NEXT_SALES_BEGIN).unwrap();
        assert!(plan[0].contains("listed_by_sales_begin"), "{plan:#?}");
    }
}
