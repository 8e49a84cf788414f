//! The conditions of a query, by the columns that they are about.

use std::time::Duration;

use rusqlite::types::Value;
use values::Timestamp;

use crate::domain::ListingQuery;

/// What a condition is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Subject {
    Words,
    Seller,
    Currency,
    Price,
    Start,
    Stock,
}

/// A condition on the current state of a listing, with its parameter.
pub(super) struct Filter {
    pub(super) subject: Subject,
    condition: &'static str,
    parameter: Option<(&'static str, Value)>,
    pub(super) bound: Option<Bound>,
}

/// Which end of a range a condition sets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Bound {
    Lower,
    Upper,
}

impl Filter {
    /// Returns the condition as SQL. One that is not `indexed` does not set where an index is read: a scan that is bounded by
    /// both a filter and a sort key would otherwise begin or end by the filter.
    pub(super) fn condition(&self, indexed: bool) -> String {
        if indexed {
            self.condition.to_owned()
        } else {
            // https://sqlite.org/optoverview.html#disqualifying_where_clause_terms_using_unary_
            self.condition.replace("l.", "+l.")
        }
    }

    pub(super) fn parameter(&self) -> Option<(&'static str, Value)> {
        self.parameter.clone()
    }
}

/// What `listing.begins` has for no start.
const NO_START: i64 = i64::MAX;

/// Returns the conditions of a query. That a listing is not withdrawn is none of them: it is one of every list. At most one
/// condition sets each end of a range. `search` is the expression of the terms.
pub(super) fn filters(query: &ListingQuery, search: Option<String>, now: Timestamp) -> Vec<Filter> {
    // A ticket is available until its event begins, and while its sale is open.
    let begins_from = query
        .starts_after
        .max(query.available.then(|| now + Duration::from_millis(1)));
    let before_no_start = query.starts_after.map(|_| NO_START);
    let begins_before = query.starts_before.map(Timestamp::millis).or(before_no_start);
    let mut filters = Vec::new();
    let mut filter = |subject, bound, condition, name, value: Option<Value>| {
        if let Some(value) = value {
            filters.push(Filter {
                subject,
                condition,
                parameter: Some((name, value)),
                bound,
            });
        }
    };
    filter(
        Subject::Words,
        None,
        "listing_words MATCH :words AND l.number = w.rowid",
        ":words",
        search.map(Value::from),
    );
    filter(
        Subject::Seller,
        None,
        "l.seller_id = :seller",
        ":seller",
        query.seller.map(|seller| seller.to_string().into()),
    );
    filter(
        Subject::Currency,
        None,
        "l.currency = :currency",
        ":currency",
        query.currency.map(|currency| currency.code().to_owned().into()),
    );
    filter(
        Subject::Price,
        Some(Bound::Lower),
        "l.amount >= :min_price",
        ":min_price",
        query.min_price.map(Value::from),
    );
    filter(
        Subject::Price,
        Some(Bound::Upper),
        "l.amount <= :max_price",
        ":max_price",
        query.max_price.map(Value::from),
    );
    filter(
        Subject::Start,
        Some(Bound::Lower),
        "l.begins >= :begins_from",
        ":begins_from",
        begins_from.map(|at| at.millis().into()),
    );
    filter(
        Subject::Start,
        Some(Bound::Upper),
        "l.begins < :begins_before",
        ":begins_before",
        begins_before.map(Value::from),
    );
    if query.available {
        filters.push(Filter {
            subject: Subject::Stock,
            condition: "l.wanted > coalesce(s.held, 0) + coalesce(s.sold, 0)
                AND (l.sales_begin IS NULL OR l.sales_begin <= :now) AND (l.sales_end IS NULL OR l.sales_end > :now)",
            parameter: Some((":now", now.millis().into())),
            bound: None,
        });
    }
    filters
}
