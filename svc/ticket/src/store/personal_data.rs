//! What an export of personal data reads.

use std::sync::LazyLock;

use db::read_row;
use rusqlite::{Connection, OptionalExtension};
use values::{Language, TicketId, UserId};

use super::listings::{columns, read_listing};
use crate::domain::Listing;

/// The address, the name and the language of a user.
pub(crate) struct StoredAccount {
    pub(crate) email: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) language: Language,
}

/// Returns what is stored about a user. `None` if the account is not known.
pub(crate) fn account(conn: &Connection, user: UserId) -> Result<Option<StoredAccount>, db::Error> {
    Ok(conn
        .prepare_cached("SELECT email, name, language FROM account WHERE id = ?")?
        .query_row([user], |row| {
            Ok(StoredAccount {
                email: row.get(0)?,
                name: row.get(1)?,
                language: row.get(2)?,
            })
        })
        .optional()?)
}

/// Selects listings of a seller before a number, the newest first. Each condition is that of an index.
fn listings(condition: &str) -> String {
    format!(
        "SELECT l.number, {} FROM listing l LEFT JOIN stock s ON s.ticket_id = l.id
         WHERE l.seller_id = ?1 AND l.withdrawn_at {condition} AND l.number < coalesce(?2, 9223372036854775807)
         ORDER BY l.number DESC LIMIT ?3",
        columns()
    )
}

static LISTED: LazyLock<String> = LazyLock::new(|| listings("IS NULL"));

static WITHDRAWN: LazyLock<String> = LazyLock::new(|| listings("IS NOT NULL"));

/// Returns the listings of a seller that are withdrawn, or those that are not, before a number, with their numbers.
pub(crate) fn listings_of_seller(
    conn: &Connection,
    seller: UserId,
    withdrawn: bool,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<(i64, Listing)>, db::Error> {
    let mut select = conn.prepare_cached(if withdrawn { &WITHDRAWN } else { &LISTED })?;
    let rows = select.query_map(
        (seller, before, limit),
        read_row(|row| Ok((row.next()?, read_listing(row)?))),
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Returns the names of the doors of a listing that are not revoked: their number is limited.
pub(crate) fn door_names(conn: &Connection, ticket: TicketId) -> Result<Vec<String>, db::Error> {
    let mut select =
        conn.prepare_cached("SELECT name FROM door WHERE ticket_id = ? AND revoked_at IS NULL ORDER BY row")?;
    let names = select.query_map([ticket], |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::database;

    #[test]
    fn the_listings_of_a_seller_are_read_in_the_order_of_an_index() {
        for (sql, index) in [(&LISTED, "listed_by_seller"), (&WITHDRAWN, "withdrawn_by_seller")] {
            let plan = db::query_plan(&database(), sql).unwrap();
            assert!(plan[0].contains(index), "{plan:#?}");
            assert!(!plan.iter().any(|line| line.contains("B-TREE")), "{plan:#?}");
        }
    }
}
