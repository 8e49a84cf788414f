//! A query of the list of listings, and where it goes on.
//!
//! A client that follows the cursors sees no listing twice and misses none that matches throughout, whatever is listed,
//! changed or withdrawn in between. The lists by age are sorted by a number that never changes. Price and start can change,
//! so these lists are sorted by the prices and starts at the time of the first page, which the table `former_place` keeps for
//! [`CURSOR_LIFETIME`]. A listing that changes keeps its place, and its current state is shown.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use values::{Currency, Timestamp, UserId};

use super::search_terms::SearchTerms;

/// How long a cursor of a list by price or start is valid.
pub(crate) const CURSOR_LIFETIME: Duration = Duration::from_hours(24);

/// Filters and sort order of a list.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub(crate) struct ListingQuery {
    #[serde(default, rename = "words", skip_serializing_if = "SearchTerms::is_empty")]
    pub(crate) terms: SearchTerms,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seller: Option<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) currency: Option<Currency>,
    /// In minor units, inclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) min_price: Option<i64>,
    /// In minor units, inclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_price: Option<i64>,
    /// Inclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) starts_after: Option<Timestamp>,
    /// Exclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) starts_before: Option<Timestamp>,
    /// Only listings that can be bought from now.
    #[serde(default)]
    pub(crate) available: bool,
    /// The withdrawn listings of `seller` instead of those that are not withdrawn. No other filter applies to them.
    #[serde(default)]
    pub(crate) withdrawn: bool,
    pub(crate) sort: ListingSort,
}

/// The sort order of a list.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub(crate) enum ListingSort {
    #[default]
    Newest,
    Oldest,
    /// Lowest price first, one currency after the other.
    Price,
    /// Highest price first, one currency after the other.
    PriceDescending,
    /// Earliest start first; listings without a start last.
    StartsAt,
}

/// Where a list goes on: the content of a cursor.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub(crate) struct ListPosition {
    pub(crate) query: ListingQuery,
    /// The newest placement at the time of the first page; later placements do not count.
    pub(crate) as_of: i64,
    /// The time of the first page.
    pub(crate) since: Timestamp,
    pub(crate) after: SortKey,
}

/// The values that listings are sorted by; each sort order uses some of them.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub(crate) struct SortKey {
    pub(crate) currency: String,
    pub(crate) amount: i64,
    pub(crate) begins: i64,
    pub(crate) number: i64,
}

/// Why a list does not go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CannotResume {
    /// The cursor belongs to another query.
    OtherQuery,
    /// The cursor is older than [`CURSOR_LIFETIME`].
    Expired,
}

impl ListingQuery {
    /// Checks that the list of this query may go on at `position`.
    pub(crate) fn check_position(&self, position: &ListPosition, now: Timestamp) -> Result<(), CannotResume> {
        if position.query != *self {
            return Err(CannotResume::OtherQuery);
        }
        if self.sort.is_mutable() && position.since + CURSOR_LIFETIME < now {
            return Err(CannotResume::Expired);
        }
        Ok(())
    }
}

impl ListingSort {
    pub(crate) const fn is_descending(self) -> bool {
        matches!(self, Self::Newest | Self::PriceDescending)
    }

    /// Returns whether a listing's sort key can change.
    pub(crate) const fn is_mutable(self) -> bool {
        !matches!(self, Self::Newest | Self::Oldest)
    }
}
