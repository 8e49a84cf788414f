//! The SELECT of a page, built from the parts of a query.

use pagination::Limit;
use rusqlite::{ToSql, types::Value};

use super::{
    access::{Access, ScanLimits, matches_in_order},
    filters::{Filter, Subject},
    sort_keys::{AFTER, END, after_condition, end_condition, key_columns, key_parameters, named, order},
};
use crate::{
    domain::{ListingSort, SortKey},
    store::listings::columns,
};

/// A SELECT and its parameters. Values of a client are parameters, never part of the text.
pub(super) struct Statement {
    pub(super) sql: String,
    parameters: Vec<(&'static str, Value)>,
}

/// The condition of a search for the listings of former places: joined to them, the index would be searched for each place.
const WORDS_OF_FORMER: &str = "l.number IN (SELECT rowid FROM listing_words WHERE listing_words MATCH :words)";

impl Statement {
    /// Returns the statement of a page. If [`Access::omits_words`] is true, it has no limit, and the caller filters its rows by
    /// words.
    pub(super) fn new(
        sort: ListingSort,
        filters: &[Filter],
        access: &Access,
        as_of: i64,
        after: Option<&SortKey>,
        limit: Limit,
        scan_limits: ScanLimits,
    ) -> Self {
        let has_all_filters = !access.omits_words(filters);
        let most: i64 = if has_all_filters { limit.rows().into() } else { -1 };
        let mut parameters = vec![(":limit", Value::from(most))];
        let in_statement = |filter: &&Filter| has_all_filters || filter.subject != Subject::Words;
        let filters_in = || filters.iter().filter(in_statement);
        parameters.extend(filters_in().filter_map(Filter::parameter));
        let keys = key_columns(sort, filters);
        parameters.extend(after.into_iter().flat_map(|after| key_parameters(keys, after, AFTER)));
        parameters.extend(access.end().into_iter().flat_map(|end| key_parameters(keys, end, END)));
        let columns = columns();
        let from = |tables: &str, place: &str, number: &str, own_condition: &str| {
            let mut conditions = format!("l.withdrawn_at IS NULL{own_condition}");
            for filter in filters_in() {
                let condition = if place != "l" && filter.subject == Subject::Words {
                    WORDS_OF_FORMER.to_owned()
                } else {
                    access.condition(filter, sort, after.is_some())
                };
                conditions = conditions + " AND " + &condition;
            }
            if after.is_some() {
                conditions += &after_condition(sort, keys, place, number);
            }
            if access.end().is_some() {
                conditions += &end_condition(sort, keys, place, number);
            }
            format!(
                "SELECT {columns}, {place}.currency AS place_currency, {place}.amount AS place_amount, \
                 {place}.begins AS place_begins, {number} AS place_number \
                 FROM {tables} LEFT JOIN stock s ON s.ticket_id = l.id WHERE {conditions}"
            )
        };
        let listing = access.listing();
        let is_placed = if sort.is_mutable() {
            " AND l.placed <= :as_of"
        } else {
            ""
        };
        let mut sql = match access {
            Access::Matches => {
                parameters.push((":scanned", scan_limits.scanned.into()));
                let matches = matches_in_order(sort, after);
                let tables = format!("(SELECT rowid FROM {matches} LIMIT :scanned) w CROSS JOIN {listing}");
                from(&tables, "l", "w.rowid", is_placed)
            }
            Access::SortedMatches => {
                let tables = format!("listing_words w CROSS JOIN {listing}");
                from(&tables, "l", "w.rowid", is_placed)
            }
            Access::Ordered(..) | Access::Sorted(_) => from(&listing, "l", "l.number", is_placed),
        };
        if sort.is_mutable() {
            parameters.push((":as_of", as_of.into()));
            let tables = "former_place f CROSS JOIN listing l";
            let then_current = " AND l.number = f.number AND f.placed <= :as_of AND f.until > :as_of";
            sql = format!("{sql} UNION ALL {}", from(tables, "f", "l.number", then_current));
        }
        sql = format!("{sql} ORDER BY {} LIMIT :limit", order(sort, keys, "place_"));
        Self { sql, parameters }
    }

    pub(super) fn parameters(&self) -> Vec<(&str, &dyn ToSql)> {
        named(&self.parameters)
    }
}
