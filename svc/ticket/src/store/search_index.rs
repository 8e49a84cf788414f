//! The search index.

use db::Tx;
use rusqlite::Connection;

use crate::domain::{LongText, ShortText, Terms};

/// A listing that is not in the index as it is.
pub(crate) struct UnindexedListing {
    number: i64,
    title: String,
    description: Option<String>,
    venue: Option<String>,
}

/// Whether the first listing is, as it is, not in the index.
const HAS_UNINDEXED: &str = "SELECT EXISTS (SELECT 1 FROM listing WHERE indexed_version IS NOT version)";

const UNINDEXED: &str = "SELECT number, title, description, venue FROM listing WHERE indexed_version IS NOT version
     ORDER BY number DESC LIMIT ?";

/// Returns whether any listing is not in the index as it is.
pub(crate) fn has_unindexed_listings(conn: &Connection) -> Result<bool, db::Error> {
    Ok(conn.prepare_cached(HAS_UNINDEXED)?.query_row([], |row| row.get(0))?)
}

/// Returns the newest listings that are not in the index as they are.
pub(crate) fn unindexed_listings(conn: &Connection, limit: u32) -> Result<Vec<UnindexedListing>, db::Error> {
    let mut select = conn.prepare_cached(UNINDEXED)?;
    let listings = select.query_map([limit], |row| {
        Ok(UnindexedListing {
            number: row.get(0)?,
            title: row.get(1)?,
            description: row.get(2)?,
            venue: row.get(3)?,
        })
    })?;
    Ok(listings.collect::<Result<_, _>>()?)
}

/// Indexes a listing as it is.
pub(crate) fn index_listing(tx: &Tx, listing: &UnindexedListing) -> Result<(), db::Error> {
    let texts = [
        Some(&*listing.title),
        listing.description.as_deref(),
        listing.venue.as_deref(),
    ];
    replace_words(tx, listing.number, texts)?;
    tx.prepare_cached("UPDATE listing SET indexed_version = version WHERE number = ?")?
        .execute([listing.number])?;
    Ok(())
}

/// Replaces the words of a listing in the index.
pub(super) fn index_terms(tx: &Tx, number: i64, terms: &Terms) -> Result<(), db::Error> {
    let texts = [
        Some(terms.title.as_str()),
        terms.description.as_ref().map(LongText::as_str),
        terms.venue.as_ref().map(ShortText::as_str),
    ];
    replace_words(tx, number, texts)
}

fn replace_words(tx: &Tx, number: i64, texts: [Option<&str>; 3]) -> Result<(), db::Error> {
    let [title, description, venue] = texts.map(|text| text.map(text::index_words));
    tx.prepare_cached("INSERT OR REPLACE INTO listing_words (rowid, title, description, venue) VALUES (?, ?, ?, ?)")?
        .execute((number, title, description, venue))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::database;

    #[test]
    fn listings_that_are_not_indexed_are_found_by_an_index() {
        let conn = database();
        for sql in [HAS_UNINDEXED, UNINDEXED] {
            let plan = db::query_plan(&conn, sql).unwrap();
            assert!(
                plan.iter().any(|line| line.contains("listing_not_indexed")),
                "{plan:#?}"
            );
            assert!(!plan.iter().any(|line| line.contains("B-TREE")), "{plan:#?}");
        }
    }
}
