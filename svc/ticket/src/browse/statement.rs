//! The statement of a page, put together from the parts of a query.

use pagination::Limit;
use rusqlite::{ToSql, types::Value};
use values::Timestamp;

use super::{Place, Query, Sort};
use crate::store;

/// A statement under construction. All that a client says is a parameter, never a part of the text.
pub(super) struct Statement {
    pub(super) sql: String,
    parameters: Vec<(&'static str, Value)>,
}

impl Statement {
    pub(super) fn of(query: &Query, as_of: i64, after: Option<Place>, limit: Limit, now: Timestamp) -> Self {
        let sort = query.sort;
        let mut parameters = vec![(":limit", Value::from(limit.rows()))];
        let filters = filters(query, now, &mut parameters).join(" AND ");
        let beyond = after.map(|after| beyond(sort, after, &mut parameters));
        // The words lead to what has them, in the order of its numbers.
        let (words, number) = if query.words.is_empty() {
            ("", "l.number")
        } else {
            ("listing_words w CROSS JOIN ", "w.rowid")
        };
        let columns = store::columns();
        let from = |place: &str, tables: &str, condition: &str| {
            let beyond = beyond.as_ref().map(|beyond| beyond(place, number)).unwrap_or_default();
            format!(
                "SELECT {columns}, {place}.currency AS place_currency, {place}.amount AS place_amount, \
                 {place}.begins AS place_begins, {number} AS place_number \
                 FROM {tables} LEFT JOIN stock s ON s.ticket_id = l.id WHERE {filters}{condition}{beyond}"
            )
        };
        let listing = format!("{words}listing l");
        let mut sql = from(
            "l",
            &listing,
            if sort.changes() { " AND l.placed <= :as_of" } else { "" },
        );
        if sort.changes() {
            parameters.push((":as_of", as_of.into()));
            let former = format!("former_place f CROSS JOIN {listing}");
            let then = format!(" AND {number} = f.number AND f.placed <= :as_of AND f.until > :as_of");
            sql = format!("{sql} UNION ALL {}", from("f", &former, &then));
        }
        let direction = if sort.descends() { " DESC" } else { "" };
        let order: Vec<_> = sort
            .columns()
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

/// The conditions on what a listing is now.
fn filters(query: &Query, now: Timestamp, parameters: &mut Vec<(&'static str, Value)>) -> Vec<&'static str> {
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
        query.words.expression().map(Value::from),
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

/// The condition for what comes after `after`, given the table that holds the places and the column of the numbers.
fn beyond(
    sort: Sort,
    after: Place,
    parameters: &mut Vec<(&'static str, Value)>,
) -> impl Fn(&str, &str) -> String + use<> {
    let Place {
        currency,
        amount,
        begins,
        number,
    } = after;
    for column in sort.columns() {
        parameters.push(match *column {
            "currency" => (":currency_seen", currency.clone().into()),
            "amount" => (":amount_seen", amount.into()),
            "begins" => (":begins_seen", begins.into()),
            _ => (":number_seen", number.into()),
        });
    }
    let compare = if sort.descends() { "<" } else { ">" };
    move |place, number| {
        let column = |column: &&str| {
            if *column == "number" {
                number.to_owned()
            } else {
                format!("{place}.{column}")
            }
        };
        let columns: Vec<_> = sort.columns().iter().map(column).collect();
        let seen: Vec<_> = sort.columns().iter().map(|column| format!(":{column}_seen")).collect();
        format!(" AND ({}) {compare} ({})", columns.join(", "), seen.join(", "))
    }
}
