//! Pages of the list of listings.

mod statement;

use db::{RowReader, read_row};
use pagination::Limit;
use rusqlite::Connection;
use values::Timestamp;

use self::statement::Statement;
use super::listings::read_listing;
use crate::domain::{ListPosition, Listing, ListingQuery, SortKey};

/// A listing in a list, with its place.
pub(crate) struct ListedTicket {
    pub(crate) listing: Listing,
    key: SortKey,
}

/// The listings of one page, one more if another page follows.
pub(crate) struct ListingPage {
    pub(crate) listings: Vec<ListedTicket>,
    query: ListingQuery,
    as_of: i64,
    since: Timestamp,
}

impl ListingPage {
    /// Returns the function that gives the position after a listing of the page.
    pub(crate) fn position_after(&self) -> impl FnOnce(&ListedTicket) -> ListPosition + use<> {
        let (query, as_of, since) = (self.query.clone(), self.as_of, self.since);
        move |listed| ListPosition {
            query,
            as_of,
            since,
            after: listed.key.clone(),
        }
    }
}

/// Reads the page of `query` that begins after `position`, or the first.
pub(crate) fn listing_page(
    conn: &Connection,
    query: ListingQuery,
    position: Option<ListPosition>,
    limit: Limit,
    now: Timestamp,
) -> Result<ListingPage, db::Error> {
    let (as_of, since) = match &position {
        Some(position) => (position.as_of, position.since),
        None => (latest_placement(conn)?, now),
    };
    let statement = Statement::new(&query, as_of, position.map(|position| position.after), limit, now);
    let mut select = conn.prepare_cached(&statement.sql)?;
    let listings = select
        .query_map(&*statement.parameters(), read_row(read_listed_ticket))?
        .collect::<Result<_, _>>()?;
    Ok(ListingPage {
        listings,
        query,
        as_of,
        since,
    })
}

/// Returns the newest placement: how often a listing was given a place in the sorted lists, over all listings.
fn latest_placement(conn: &Connection) -> Result<i64, db::Error> {
    Ok(conn
        .prepare_cached("SELECT coalesce(max(placed), 0) FROM listing")?
        .query_row([], |row| row.get(0))?)
}

fn read_listed_ticket(row: &mut RowReader<'_, '_>) -> rusqlite::Result<ListedTicket> {
    Ok(ListedTicket {
        listing: read_listing(row)?,
        key: SortKey {
            currency: row.next()?,
            amount: row.next()?,
            begins: row.next()?,
            number: row.next()?,
        },
    })
}

#[cfg(test)]
mod tests;
