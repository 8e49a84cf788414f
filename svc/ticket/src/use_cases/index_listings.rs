use db::Tx;

use crate::store;

/// The number of listings in one transaction, so that other writers wait for milliseconds only.
const BATCH_SIZE: u32 = 100;

/// Indexes the next listings that are not in the search index as they are: those of an earlier release, the newest first.
/// Returns whether there were any.
pub(crate) fn index_listings(tx: &Tx) -> Result<bool, db::Error> {
    let listings = store::unindexed_listings(tx, BATCH_SIZE)?;
    for listing in &listings {
        store::index_listing(tx, listing)?;
    }
    Ok(!listings.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{database, listing_with, offer, usd};

    /// Returns the number of listings that a search in the words of the service finds.
    fn found(conn: &Tx, word: &str) -> i64 {
        conn.query_row(
            "SELECT count(*) FROM listing_words WHERE listing_words MATCH ?",
            [word],
            |row| row.get(0),
        )
        .unwrap()
    }

    #[test]
    fn what_the_previous_release_writes_is_indexed_anew() {
        let conn = database();
        for number in 0..150 {
            let listing = listing_with(offer(&format!("Straße {number}"), usd(100), None), |_| ());
            store::insert(&conn, &listing).unwrap();
        }
        // The previous release writes neither the words nor the version whose words are indexed.
        conn.execute_batch(
            "UPDATE listing SET title = 'Łódź', version = 2 WHERE number <= 120;
             INSERT INTO listing (number, id, seller_id, title, currency, amount, wanted, version, created_at, updated_at,
                 placed)
             SELECT 1000, replace(id, '0', '1'), seller_id, 'Großer Saal', currency, amount, wanted, 1, 0, 0, 1000
             FROM listing WHERE number = 1;",
        )
        .unwrap();
        assert_eq!(
            (found(&conn, "strasse"), found(&conn, "saal")),
            (150, 1),
            "found by plain words at once"
        );
        assert!(store::has_unindexed_listings(&conn).unwrap());
        let batches = std::iter::repeat_with(|| index_listings(&conn).unwrap())
            .take_while(|more| *more)
            .count();
        assert_eq!(batches, 2);
        assert!(!store::has_unindexed_listings(&conn).unwrap());
        assert_eq!(
            (found(&conn, "strasse"), found(&conn, "lodz"), found(&conn, "grosser")),
            (30, 120, 1)
        );
    }
}
