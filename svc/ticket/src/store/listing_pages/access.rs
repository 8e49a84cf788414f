//! How the listings of a page are found, so that no page reads more than a bounded number of them.
//!
//! A list is read in its order, through an index that has the order and as many filters as possible. Where other filters
//! remain, the rows that do not match them are read in vain. So if there are few rows for one of the filters, these are read
//! and sorted instead; and if not, reading ends after [`ScanLimits::scanned`] rows, and the page with it: it may be short, or
//! empty, and its cursor leads on.
//!
//! The full-text index finds the listings that contain words, in the order of the lists by age. These lists read matches until the
//! page is full, at most [`ScanLimits::scanned`]. Lists by price or start sort the matches if there are few. If there are many, and
//! few listings match another filter, any list sorts these instead; else lists by price or start are read in their order. In both
//! cases, the words are searched in the texts of each listing, and the page also ends after [`ScanLimits::text`] bytes of texts.

use rusqlite::{Connection, OptionalExtension, types::Value};

use super::{
    filters::{Bound, Filter, Subject},
    sort_keys::{AFTER, after_condition, key_columns, key_parameters, named, order},
};
use crate::domain::{ListingSort, SortKey};

/// How many listings one page may read.
#[derive(Clone, Copy, Debug)]
pub(super) struct ScanLimits {
    /// In the order of the list.
    pub(super) scanned: u32,
    /// To sort them.
    pub(super) sorted: u32,
    /// Matches of the full-text index, to sort them. Higher than `sorted`, because with more matches the texts of listings are
    /// searched.
    pub(super) matched: u32,
    /// Bytes of texts that are searched for words.
    pub(super) text: usize,
}

/// Some milliseconds each.
pub(super) const SCAN_LIMITS: ScanLimits = ScanLimits {
    scanned: 1000,
    sorted: 1500,
    matched: 4000,
    text: 500_000,
};

/// An index of listings that are not withdrawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Index {
    Number,
    Seller,
    Currency,
    Price,
    Start,
}

/// How the listings of a page are found.
#[derive(Debug)]
pub(super) enum Access {
    /// Through an index that has the order of the list. Reading ends with the key, unless at the end of the list.
    Ordered(Index, Option<SortKey>),
    /// Through an index that has few of them, which are sorted.
    Sorted(Index),
    /// Through the full-text index, which has the order of the list: a limited number of matches is read, and no more than
    /// the page needs.
    Matches,
    /// Through the full-text index, which has few of them, which are sorted.
    SortedMatches,
}

impl Index {
    const fn name(self) -> &'static str {
        match self {
            Self::Number => "listed_by_number",
            Self::Seller => "listed_by_seller",
            Self::Currency => "listed_by_currency",
            Self::Price => "listed_by_price",
            Self::Start => "listed_by_start",
        }
    }

    /// Whether the index yields only rows that match a filter about this.
    fn covers(self, subject: Subject, filters: &[Filter]) -> bool {
        match self {
            Self::Number => false,
            Self::Seller => subject == Subject::Seller,
            Self::Currency => subject == Subject::Currency,
            // The price is the second column.
            Self::Price => {
                subject == Subject::Currency || (subject == Subject::Price && has(filters, Subject::Currency))
            }
            Self::Start => subject == Subject::Start,
        }
    }

    /// Returns the index that has the order of a list, and the most of its filters.
    fn of_order(sort: ListingSort, filters: &[Filter]) -> Self {
        match sort {
            ListingSort::Newest | ListingSort::Oldest if has(filters, Subject::Seller) => Self::Seller,
            ListingSort::Newest | ListingSort::Oldest if has(filters, Subject::Currency) => Self::Currency,
            ListingSort::Newest | ListingSort::Oldest => Self::Number,
            ListingSort::Price | ListingSort::PriceDescending => Self::Price,
            ListingSort::StartsAt => Self::Start,
        }
    }

    fn covered(self, filters: &[Filter]) -> impl Iterator<Item = &Filter> {
        filters
            .iter()
            .filter(move |filter| self.covers(filter.subject, filters))
    }
}

fn words_of(filters: &[Filter]) -> Option<&Filter> {
    filters.iter().find(|filter| filter.subject == Subject::Words)
}

fn has(filters: &[Filter], subject: Subject) -> bool {
    filters.iter().any(|filter| filter.subject == subject)
}

impl Access {
    /// Chooses how to find the listings after `after`.
    pub(super) fn choose(
        conn: &Connection,
        sort: ListingSort,
        filters: &[Filter],
        after: Option<&SortKey>,
        limits: ScanLimits,
    ) -> Result<Self, db::Error> {
        let words = words_of(filters);
        let ordered = Index::of_order(sort, filters);
        // On later pages, listings that were placed after the first page are read in vain.
        let is_covered = ordered.covered(filters).count() == filters.len() && (after.is_none() || !sort.is_mutable());
        if is_covered {
            return Ok(Self::Ordered(ordered, None));
        }
        let mut few = None;
        for index in [Index::Seller, Index::Start, Index::Price] {
            let is_other = index != ordered || words.is_some();
            if is_other && index.covered(filters).next().is_some() && has_few(conn, index, filters, limits)? {
                few = Some(index);
                break;
            }
        }
        if let Some(words) = words {
            if sort.is_mutable() {
                if has_few_matches(conn, words, limits.matched)? {
                    return Ok(Self::SortedMatches);
                }
            } else if few.is_none() || has_few_matches(conn, words, limits.scanned)? {
                return Ok(Self::Matches);
            }
        }
        if let Some(few) = few {
            return Ok(Self::Sorted(few));
        }
        let end = end_of_scan(conn, ordered, sort, filters, after, limits)?;
        Ok(Self::Ordered(ordered, end))
    }

    /// Whether the full-text index is read.
    pub(super) const fn is_search(&self) -> bool {
        matches!(self, Self::Matches | Self::SortedMatches)
    }

    /// The key with which reading ends.
    pub(super) const fn end(&self) -> Option<&SortKey> {
        match self {
            Self::Ordered(_, Some(end)) => Some(end),
            _ => None,
        }
    }

    /// Whether the statement omits the words of the query, so that the texts of its rows have to be searched.
    pub(super) fn omits_words(&self, filters: &[Filter]) -> bool {
        !self.is_search() && has(filters, Subject::Words)
    }

    /// Returns the condition of a filter for a page that begins after another one, or not.
    pub(super) fn condition(&self, filter: &Filter, sort: ListingSort, is_later: bool) -> String {
        if matches!(self, Self::Matches) && filter.subject == Subject::Words {
            return "l.number = w.rowid".to_owned();
        }
        // The sort keys are inside the range of the filters.
        let by_key = matches!(self, Self::Ordered(..)) && is_set_by_key(filter, sort, is_later, self.end().is_some());
        filter.condition(!by_key)
    }

    /// Returns the table of listings `l`, with the index to use.
    pub(super) fn listing(&self) -> String {
        match self {
            Self::Ordered(index, _) | Self::Sorted(index) => format!("listing l INDEXED BY {}", index.name()),
            Self::Matches | Self::SortedMatches => "listing l".to_owned(),
        }
    }
}

/// Whether a sort key sets the end of the range that a filter would set, if a scan begins after a key or ends with one.
fn is_set_by_key(filter: &Filter, sort: ListingSort, begins: bool, ends: bool) -> bool {
    match (filter.bound, sort.is_descending()) {
        (None, _) => false,
        (Some(Bound::Lower), false) | (Some(Bound::Upper), true) => begins,
        (Some(Bound::Upper), false) | (Some(Bound::Lower), true) => ends,
    }
}

/// Returns whether few listings match the filters that an index covers.
fn has_few(conn: &Connection, index: Index, filters: &[Filter], limits: ScanLimits) -> Result<bool, db::Error> {
    let mut parameters = Vec::new();
    let conditions = conditions(index, filters, |_| true, &mut parameters);
    let rows = format!("listing l INDEXED BY {} WHERE {conditions}", index.name());
    has_at_most(conn, limits.sorted, &rows, parameters)
}

/// Returns whether at most so many listings contain the words of a search.
fn has_few_matches(conn: &Connection, words: &Filter, most: u32) -> Result<bool, db::Error> {
    let parameters = words.parameter().into_iter().collect();
    has_at_most(conn, most, "listing_words WHERE listing_words MATCH :words", parameters)
}

/// Returns whether there are at most so many rows, of which it reads one more. `rows` is the part of a SELECT after FROM.
fn has_at_most(
    conn: &Connection,
    most: u32,
    rows: &str,
    mut parameters: Vec<(&'static str, Value)>,
) -> Result<bool, db::Error> {
    parameters.push((":rows", Value::from(most + 1)));
    let sql = format!("SELECT count(*) FROM (SELECT 1 FROM {rows} LIMIT :rows)");
    let count: u32 = conn
        .prepare_cached(&sql)?
        .query_row(&*named(&parameters), |row| row.get(0))?;
    Ok(count <= most)
}

/// Returns the matches of a search after a key, or all, in the order of their numbers, as the part of a SELECT after FROM.
pub(super) fn matches_in_order(sort: ListingSort, after: Option<&SortKey>) -> String {
    let after = after.map(|_| after_condition(sort, key_columns(sort, &[]), "", "rowid"));
    format!(
        "listing_words WHERE listing_words MATCH :words{} ORDER BY {}",
        after.unwrap_or_default(),
        order(sort, &["rowid"], "")
    )
}

/// Returns the key of the last match that a page in the order of numbers reads; none if it reads all.
pub(super) fn end_of_matches(
    conn: &Connection,
    sort: ListingSort,
    filters: &[Filter],
    after: Option<&SortKey>,
    limits: ScanLimits,
) -> Result<Option<SortKey>, db::Error> {
    let mut parameters = vec![(":scanned", Value::from(limits.scanned))];
    let words = words_of(filters);
    parameters.extend(words.and_then(Filter::parameter));
    let after_parameters = |after| key_parameters(key_columns(sort, &[]), after, AFTER);
    parameters.extend(after.into_iter().flat_map(after_parameters));
    let matches = matches_in_order(sort, after);
    let sql = format!("SELECT rowid FROM {matches} LIMIT 1 OFFSET :scanned - 1");
    let end = conn.prepare_cached(&sql)?.query_row(&*named(&parameters), |row| {
        Ok(SortKey {
            currency: String::new(),
            amount: 0,
            begins: 0,
            number: row.get(0)?,
        })
    });
    Ok(end.optional()?)
}

/// Returns the key of the last listing to read: that after [`ScanLimits::scanned`] others.
fn end_of_scan(
    conn: &Connection,
    index: Index,
    sort: ListingSort,
    filters: &[Filter],
    after: Option<&SortKey>,
    limits: ScanLimits,
) -> Result<Option<SortKey>, db::Error> {
    let mut parameters = vec![(":scanned", Value::from(limits.scanned))];
    let indexed = |filter: &Filter| !is_set_by_key(filter, sort, after.is_some(), false);
    let mut conditions = conditions(index, filters, indexed, &mut parameters);
    let columns = key_columns(sort, filters);
    if let Some(after) = after {
        conditions += &after_condition(sort, columns, "l", "l.number");
        parameters.extend(key_parameters(columns, after, AFTER));
    }
    let sql = format!(
        "SELECT l.currency, l.amount, l.begins, l.number FROM listing l INDEXED BY {} WHERE {conditions} \
         ORDER BY {} LIMIT 1 OFFSET :scanned",
        index.name(),
        order(sort, columns, "l.")
    );
    let end = conn.prepare_cached(&sql)?.query_row(&*named(&parameters), |row| {
        Ok(SortKey {
            currency: row.get(0)?,
            amount: row.get(1)?,
            begins: row.get(2)?,
            number: row.get(3)?,
        })
    });
    Ok(end.optional()?)
}

/// Returns the conditions of the filters that an index covers.
fn conditions(
    index: Index,
    filters: &[Filter],
    indexed: impl Fn(&Filter) -> bool,
    parameters: &mut Vec<(&'static str, Value)>,
) -> String {
    let mut conditions = "l.withdrawn_at IS NULL".to_owned();
    for filter in index.covered(filters) {
        conditions = conditions + " AND " + &filter.condition(indexed(filter));
        parameters.extend(filter.parameter());
    }
    conditions
}
