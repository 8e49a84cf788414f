//! The SELECT of a page, built from the parts of a query.

use pagination::Limit;
use rusqlite::{ToSql, types::Value};

use super::{
    access::Access,
    filters::{Filter, Subject},
    sort_keys::{AFTER, END, after_condition, end_condition, key_columns, key_parameters, named, order},
};
use crate::{
    domain::{ListingSort, SortKey},
    store::listings::columns,
};

/// A SELECT and its parameters. Where [`Access::leaves_words`], its rows are without limit. Values of a client are parameters, never part of the text.
pub(super) struct Statement {
    pub(super) sql: String,
    parameters: Vec<(&'static str, Value)>,
}

impl Statement {
    pub(super) fn new(
        sort: ListingSort,
        filters: &[Filter],
        access: &Access,
        as_of: i64,
        after: Option<&SortKey>,
        limit: Limit,
    ) -> Self {
        let has_all_filters = !access.leaves_words(filters);
        let most: i64 = if has_all_filters { limit.rows().into() } else { -1 };
        let mut parameters = vec![(":limit", Value::from(most))];
        // The full-text index yields matches in the order of their numbers.
        let (search, number) = if access.is_search() {
            ("listing_words w CROSS JOIN ", "w.rowid")
        } else {
            ("", "l.number")
        };
        let mut conditions = "l.withdrawn_at IS NULL".to_owned();
        let in_statement = |filter: &&Filter| has_all_filters || filter.subject != Subject::Words;
        for filter in filters.iter().filter(in_statement) {
            conditions = conditions + " AND " + &access.condition(filter, sort, after.is_some());
            parameters.extend(filter.parameter());
        }
        let keys = key_columns(sort, filters);
        parameters.extend(after.into_iter().flat_map(|after| key_parameters(keys, after, AFTER)));
        parameters.extend(access.end.iter().flat_map(|end| key_parameters(keys, end, END)));
        let columns = columns();
        let from = |place: &str, tables: &str, condition: &str| {
            let after = after
                .map(|_| after_condition(sort, keys, place, number))
                .unwrap_or_default();
            let end = access
                .end
                .as_ref()
                .map(|_| end_condition(sort, keys, place, number))
                .unwrap_or_default();
            format!(
                "SELECT {columns}, {place}.currency AS place_currency, {place}.amount AS place_amount, \
                 {place}.begins AS place_begins, {number} AS place_number \
                 FROM {tables} LEFT JOIN stock s ON s.ticket_id = l.id WHERE {conditions}{condition}{after}{end}"
            )
        };
        let listing = format!("{search}{}", access.listing());
        let mut sql = from(
            "l",
            &listing,
            if sort.is_mutable() {
                " AND l.placed <= :as_of"
            } else {
                ""
            },
        );
        if sort.is_mutable() {
            parameters.push((":as_of", as_of.into()));
            let former = format!("former_place f CROSS JOIN {search}listing l");
            let then_current = format!(" AND {number} = f.number AND f.placed <= :as_of AND f.until > :as_of");
            sql = format!("{sql} UNION ALL {}", from("f", &former, &then_current));
        }
        sql = format!("{sql} ORDER BY {} LIMIT :limit", order(sort, keys, "place_"));
        Self { sql, parameters }
    }

    pub(super) fn parameters(&self) -> Vec<(&str, &dyn ToSql)> {
        named(&self.parameters)
    }
}
