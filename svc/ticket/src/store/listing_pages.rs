//! Pages of the list of listings.

mod access;
mod filters;
mod search_expression;
mod sort_keys;
mod statement;
mod withdrawn;

use db::{RowReader, read_row};
use pagination::Limit;
use rusqlite::Connection;
use values::Timestamp;

pub(crate) use self::search_expression::WordsByPrefix;
use self::{
    access::{Access, SCAN_LIMITS, ScanLimits, end_of_matches},
    filters::filters,
    statement::Statement,
};
use super::listings::read_listing;
use crate::domain::{ListPosition, Listing, ListingQuery, SearchTerms, SortKey};

/// A listing in a list, with its place.
pub(crate) struct ListedTicket {
    pub(crate) listing: Listing,
    key: SortKey,
}

/// The listings of one page, one more if another page follows.
pub(crate) struct ListingPage {
    pub(crate) listings: Vec<ListedTicket>,
    /// The last listing that was read, if the page ends there without one more.
    end: Option<SortKey>,
    query: ListingQuery,
    as_of: i64,
    since: Timestamp,
}

impl ListingPage {
    /// Returns the listings of the page, and where the next page begins if there is one.
    pub(crate) fn into_parts(mut self, limit: Limit) -> (Vec<Listing>, Option<ListPosition>) {
        let after = if self.listings.len() > limit.items() {
            self.listings.truncate(limit.items());
            self.listings.last().map(|listed| listed.key.clone())
        } else {
            self.end
        };
        let position = after.map(|after| ListPosition {
            query: self.query,
            as_of: self.as_of,
            since: self.since,
            after,
        });
        let listings = self.listings.into_iter().map(|listed| listed.listing);
        (listings.collect(), position)
    }
}

/// Reads the page of `query` that begins after `position`, or the first.
pub(crate) fn listing_page(
    conn: &Connection,
    words: &WordsByPrefix,
    query: ListingQuery,
    position: Option<&ListPosition>,
    limit: Limit,
    now: Timestamp,
) -> Result<ListingPage, db::Error> {
    listing_page_within(SCAN_LIMITS, conn, words, query, position, limit, now)
}

fn listing_page_within(
    scan_limits: ScanLimits,
    conn: &Connection,
    words: &WordsByPrefix,
    query: ListingQuery,
    position: Option<&ListPosition>,
    limit: Limit,
    now: Timestamp,
) -> Result<ListingPage, db::Error> {
    let (as_of, since) = match position {
        Some(position) => (position.as_of, position.since),
        None => (latest_placement(conn)?, now),
    };
    let separate = match query.seller {
        Some(seller) if query.withdrawn => {
            let before = position.map_or(i64::MAX, |position| position.after.number);
            let mut select = conn.prepare_cached(&withdrawn::sql())?;
            let listings = select.query_map((seller, before, limit.rows()), read_row(read_listed_ticket))?;
            Some(listings.collect::<Result<_, _>>()?)
        }
        _ => query.terms.matches_nothing().then(Vec::new),
    };
    if let Some(listings) = separate {
        return Ok(ListingPage {
            listings,
            end: None,
            query,
            as_of,
            since,
        });
    }
    let search = words.search_expression(conn, &query.terms)?;
    let (sort, filters) = (query.sort, filters(&query, search, now));
    let after = position.map(|position| &position.after);
    let access = Access::choose(conn, sort, &filters, after, scan_limits)?;
    let statement = Statement::new(sort, &filters, &access, as_of, after, limit, scan_limits);
    let mut select = conn.prepare_cached(&statement.sql)?;
    let rows = select.query_map(&*statement.parameters(), read_row(read_listed_ticket))?;
    let (listings, end) = if access.omits_words(&filters) {
        search_texts(rows, &query.terms, limit, scan_limits)?
    } else {
        (rows.collect::<Result<Vec<_>, _>>()?, None)
    };
    let end = match access {
        Access::Matches if listings.len() <= limit.items() => end_of_matches(conn, sort, &filters, after, scan_limits)?,
        access => end.or(access.end().cloned()),
    };
    Ok(ListingPage {
        listings,
        end,
        query,
        as_of,
        since,
    })
}

/// Returns the listings of a page whose texts contain the terms, and the last listing that was read if reading ends at the limit
/// of the texts.
fn search_texts(
    rows: impl Iterator<Item = rusqlite::Result<ListedTicket>>,
    terms: &SearchTerms,
    limit: Limit,
    scan_limits: ScanLimits,
) -> Result<(Vec<ListedTicket>, Option<SortKey>), db::Error> {
    let (mut found, mut searched) = (Vec::new(), 0);
    for listed in rows {
        let listed = listed?;
        let texts = || listed.listing.state().terms.texts();
        searched += texts().map(str::len).sum::<usize>();
        let end = (searched > scan_limits.text).then(|| listed.key.clone());
        if terms.are_in(texts()) {
            found.push(listed);
        }
        if end.is_some() || found.len() > limit.items() {
            return Ok((found, end));
        }
    }
    Ok((found, None))
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
