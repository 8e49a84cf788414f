//! The list: filters, order and place in it, one page at a time.
//!
//! What it promises to who follows the cursors: no listing comes twice, and none that fits all the while is left out,
//! whatever is listed, changed or withdrawn in between. Newest and oldest first go by a number that never changes. Price
//! and start can change, so these lists go by the prices and starts that held when the first page was made (`former_place`
//! keeps them for [`CURSOR_LIFETIME`]): a listing that changes keeps its place, and is shown as it is now.

mod statement;

use std::time::Duration;

use db::{RowReader, read_row};
use pagination::{Cursor, Limit};
use poem_openapi::Enum;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use values::{Currency, Timestamp, UserId};

use self::statement::Statement;
use crate::{listing::Listing, store, words::Words};

/// How long a cursor of a list by price or start is good: the places of its first page are kept that long.
pub(crate) const CURSOR_LIFETIME: Duration = Duration::from_hours(24);

/// Which listings, in which order.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Query {
    #[serde(default, skip_serializing_if = "Words::is_empty")]
    pub(crate) words: Words,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seller: Option<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) currency: Option<Currency>,
    /// In minor units, this one included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) min_price: Option<i64>,
    /// In minor units, this one included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_price: Option<i64>,
    /// This moment included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) starts_after: Option<Timestamp>,
    /// This moment excluded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) starts_before: Option<Timestamp>,
    /// Only what can be bought now.
    #[serde(default)]
    pub(crate) available: bool,
    pub(crate) sort: Sort,
}

/// The order of a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Enum, Serialize, Deserialize)]
#[oai(rename = "TicketSort")]
pub(crate) enum Sort {
    /// What was listed last comes first.
    #[default]
    #[oai(rename = "newest")]
    Newest,
    /// What was listed first comes first.
    #[oai(rename = "oldest")]
    Oldest,
    /// Cheapest first, one currency after the other.
    #[oai(rename = "price")]
    Price,
    /// Dearest first, one currency after the other.
    #[oai(rename = "-price")]
    PriceDescending,
    /// What starts first comes first; what has no start comes last.
    #[oai(rename = "startsAt")]
    StartsAt,
}

/// Where a list goes on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Position {
    query: Query,
    /// Which places count: those that were current then.
    as_of: i64,
    /// When the first page was made.
    since: Timestamp,
    after: Place,
}

/// What listings are sorted by; an order uses some of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Place {
    currency: String,
    amount: i64,
    begins: i64,
    number: i64,
}

/// A row of the list.
pub(crate) struct Entry {
    pub(crate) listing: Listing,
    place: Place,
}

/// Why a list does not go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Lost {
    /// The cursor is one of another query.
    Foreign,
    /// The cursor is older than [`CURSOR_LIFETIME`].
    Expired,
}

/// The rows of one page (one more, if another page follows), and how to go on.
pub(crate) struct Found {
    pub(crate) entries: Vec<Entry>,
    as_of: i64,
    since: Timestamp,
    query: Query,
}

impl Found {
    /// How to go on after `entry`.
    pub(crate) fn position(&self) -> impl FnOnce(&Entry) -> Position + use<> {
        let (query, as_of, since) = (self.query.clone(), self.as_of, self.since);
        move |entry| Position {
            query,
            as_of,
            since,
            after: entry.place.clone(),
        }
    }
}

/// Makes sure that a cursor belongs to this query, and is still good.
pub(crate) fn go_on(query: &Query, cursor: Option<Cursor<Position>>, now: Timestamp) -> Result<Option<Position>, Lost> {
    let Some(Cursor(position)) = cursor else {
        return Ok(None);
    };
    if position.query != *query {
        return Err(Lost::Foreign);
    }
    if query.sort.changes() && position.since + CURSOR_LIFETIME < now {
        return Err(Lost::Expired);
    }
    Ok(Some(position))
}

/// Reads the listings that fit, from `position` on.
pub(crate) fn browse(
    conn: &Connection,
    query: Query,
    position: Option<Position>,
    limit: Limit,
    now: Timestamp,
) -> Result<Found, db::Error> {
    let (as_of, since) = match &position {
        Some(position) => (position.as_of, position.since),
        None => (store::latest_place(conn)?, now),
    };
    let statement = Statement::of(&query, as_of, position.map(|position| position.after), limit, now);
    let mut found = conn.prepare_cached(&statement.sql)?;
    let entries = found
        .query_map(&*statement.parameters(), read_row(entry))?
        .collect::<Result<_, _>>()?;
    Ok(Found {
        entries,
        as_of,
        since,
        query,
    })
}

fn entry(row: &mut RowReader<'_, '_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        listing: store::listing(row)?,
        place: Place {
            currency: row.next()?,
            amount: row.next()?,
            begins: row.next()?,
            number: row.next()?,
        },
    })
}

impl Sort {
    /// The columns to sort by; the last of them tells all listings apart.
    const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Newest | Self::Oldest => &["number"],
            Self::Price | Self::PriceDescending => &["currency", "amount", "number"],
            Self::StartsAt => &["begins", "number"],
        }
    }

    const fn descends(self) -> bool {
        matches!(self, Self::Newest | Self::PriceDescending)
    }

    /// Whether it goes by something that can change.
    const fn changes(self) -> bool {
        !matches!(self, Self::Newest | Self::Oldest)
    }
}

#[cfg(test)]
mod tests;
