//! The SELECT of a page, built from the parts of a query.

use pagination::Limit;
use rusqlite::{ToSql, types::Value};
use values::Timestamp;

use crate::{
    domain::{ListingQuery, ListingSort, SortKey},
    store::listings::columns,
};

/// A SELECT and its parameters. Values of a client are parameters, never part of the text.
pub(super) struct Statement {
    pub(super) sql: String,
    parameters: Vec<(&'static str, Value)>,
}

impl Statement {
    pub(super) fn new(query: &ListingQuery, as_of: i64, after: Option<SortKey>, limit: Limit, now: Timestamp) -> Self {
        let sort = query.sort;
        let mut parameters = vec![(":limit", Value::from(limit.rows()))];
        let filters = filters(query, now, &mut parameters).join(" AND ");
        let after = after.map(|after| after_key(sort, after, &mut parameters));
        // The full-text index yields matches in the order of their numbers.
        let (search, number) = if query.terms.is_empty() {
            ("", "l.number")
        } else {
            ("listing_words w CROSS JOIN ", "w.rowid")
        };
        let columns = columns();
        let from = |place: &str, tables: &str, condition: &str| {
            let after = after.as_ref().map(|after| after(place, number)).unwrap_or_default();
            format!(
                "SELECT {columns}, {place}.currency AS place_currency, {place}.amount AS place_amount, \
                 {place}.begins AS place_begins, {number} AS place_number \
                 FROM {tables} LEFT JOIN stock s ON s.ticket_id = l.id WHERE {filters}{condition}{after}"
            )
        };
        let listing = format!("{search}listing l");
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
            let former = format!("former_place f CROSS JOIN {listing}");
            let then_current = format!(" AND {number} = f.number AND f.placed <= :as_of AND f.until > :as_of");
            sql = format!("{sql} UNION ALL {}", from("f", &former, &then_current));
        }
        let direction = if sort.is_descending() { " DESC" } else { "" };
        let order: Vec<_> = columns_of(sort)
            .iter()
            .map(|column| format!("place_{column}{direction}"))
            .collect();
        sql = format!("{sql} ORDER BY {} LIMIT :limit", order.join(", "));
        Self { sql, parameters }
    }

    pub(super) fn parameters(&self) -> Vec<(&str, &dyn ToSql)> {
        self.parameters
            .iter()
            .map(|(name, value)| -> (&str, &dyn ToSql) { (name, value) })
            .collect()
    }
}

/// Returns the conditions on the current state of a listing.
fn filters(query: &ListingQuery, now: Timestamp, parameters: &mut Vec<(&'static str, Value)>) -> Vec<&'static str> {
    let mut filters = vec!["l.withdrawn_at IS NULL"];
    let mut filter = |condition: &'static str, name: &'static str, value: Option<Value>| {
        if let Some(value) = value {
            filters.push(condition);
            parameters.push((name, value));
        }
    };
    filter(
        "listing_words MATCH :words AND l.number = w.rowid",
        ":words",
        query.terms.fts_expression().map(Value::from),
    );
    filter(
        "l.seller_id = :seller",
        ":seller",
        query.seller.map(|seller| seller.to_string().into()),
    );
    filter(
        "l.currency = :currency",
        ":currency",
        query.currency.map(|currency| currency.code().to_owned().into()),
    );
    filter("l.amount >= :min_price", ":min_price", query.min_price.map(Value::from));
    filter("l.amount <= :max_price", ":max_price", query.max_price.map(Value::from));
    filter(
        "l.begins >= :starts_after AND l.starts_at IS NOT NULL",
        ":starts_after",
        query.starts_after.map(|at| at.millis().into()),
    );
    filter(
        "l.begins < :starts_before",
        ":starts_before",
        query.starts_before.map(|at| at.millis().into()),
    );
    filter(
        "l.wanted > coalesce(s.held, 0) + coalesce(s.sold, 0) AND l.begins > :now",
        ":now",
        query.available.then(|| now.millis().into()),
    );
    filters
}

/// Returns the condition for listings after `after`, given the table of the sort keys and the column of the numbers.
fn after_key(
    sort: ListingSort,
    after: SortKey,
    parameters: &mut Vec<(&'static str, Value)>,
) -> impl Fn(&str, &str) -> String + use<> {
    let SortKey {
        currency,
        amount,
        begins,
        number,
    } = after;
    for column in columns_of(sort) {
        parameters.push(match *column {
            "currency" => (":currency_seen", currency.clone().into()),
            "amount" => (":amount_seen", amount.into()),
            "begins" => (":begins_seen", begins.into()),
            _ => (":number_seen", number.into()),
        });
    }
    let compare = if sort.is_descending() { "<" } else { ">" };
    move |place, number| {
        let column = |column: &&str| {
            if *column == "number" {
                number.to_owned()
            } else {
                format!("{place}.{column}")
            }
        };
        let columns: Vec<_> = columns_of(sort).iter().map(column).collect();
        let seen: Vec<_> = columns_of(sort)
            .iter()
            .map(|column| format!(":{column}_seen"))
            .collect();
        format!(" AND ({}) {compare} ({})", columns.join(", "), seen.join(", "))
    }
}

/// Returns the columns to sort by; the last of them is unique.
const fn columns_of(sort: ListingSort) -> &'static [&'static str] {
    match sort {
        ListingSort::Newest | ListingSort::Oldest => &["number"],
        ListingSort::Price | ListingSort::PriceDescending => &["currency", "amount", "number"],
        ListingSort::StartsAt => &["begins", "number"],
    }
}
