//! Sort keys in SQL.

use rusqlite::{ToSql, types::Value};

use super::filters::{Filter, Subject};
use crate::domain::{ListingSort, SortKey};

/// The names of the parameters of a sort key, such as `:number_seen`.
pub(super) type KeyNames = [&'static str; 4];

/// Columns to sort by.
pub(super) type KeyColumns = &'static [&'static str];

/// The key after which a page begins.
pub(super) const AFTER: KeyNames = [":currency_seen", ":amount_seen", ":begins_seen", ":number_seen"];

/// The key with which reading ends.
pub(super) const END: KeyNames = [":currency_end", ":amount_end", ":begins_end", ":number_end"];

/// Returns the columns to sort by; the last of them is unique. In a list of one currency it is none of them: an index is read
/// from a key on only if the key has nothing that a filter sets.
pub(super) fn key_columns(sort: ListingSort, filters: &[Filter]) -> KeyColumns {
    let has_one_currency = filters.iter().any(|filter| filter.subject == Subject::Currency);
    match sort {
        ListingSort::Newest | ListingSort::Oldest => &["number"],
        ListingSort::Price | ListingSort::PriceDescending if has_one_currency => &["amount", "number"],
        ListingSort::Price | ListingSort::PriceDescending => &["currency", "amount", "number"],
        ListingSort::StartsAt => &["begins", "number"],
    }
}

/// Returns the columns to sort by, with their direction, each after `prefix`.
pub(super) fn order(sort: ListingSort, columns: KeyColumns, prefix: &str) -> String {
    let direction = if sort.is_descending() { " DESC" } else { "" };
    let columns = columns.iter().map(|column| format!("{prefix}{column}{direction}"));
    columns.collect::<Vec<_>>().join(", ")
}

/// Returns the values of a sort key as parameters.
pub(super) fn key_parameters(
    columns: KeyColumns,
    key: &SortKey,
    [currency, amount, begins, number]: KeyNames,
) -> impl Iterator<Item = (&'static str, Value)> {
    columns.iter().map(move |column| match *column {
        "currency" => (currency, key.currency.clone().into()),
        "amount" => (amount, key.amount.into()),
        "begins" => (begins, key.begins.into()),
        _ => (number, key.number.into()),
    })
}

/// Returns the condition for listings after the key [`AFTER`], given the table of the sort keys and the column of the numbers.
pub(super) fn after_condition(sort: ListingSort, columns: KeyColumns, place: &str, number: &str) -> String {
    compare(
        columns,
        place,
        number,
        if sort.is_descending() { "<" } else { ">" },
        "seen",
    )
}

/// Returns the condition for listings up to the key [`END`].
pub(super) fn end_condition(sort: ListingSort, columns: KeyColumns, place: &str, number: &str) -> String {
    compare(
        columns,
        place,
        number,
        if sort.is_descending() { ">=" } else { "<=" },
        "end",
    )
}

fn compare(columns: KeyColumns, place: &str, number: &str, operator: &str, key: &str) -> String {
    let column = |column: &&str| {
        if *column == "number" {
            number.to_owned()
        } else {
            format!("{place}.{column}")
        }
    };
    let names: Vec<_> = columns.iter().map(column).collect();
    let values: Vec<_> = columns.iter().map(|column| format!(":{column}_{key}")).collect();
    format!(" AND ({}) {operator} ({})", names.join(", "), values.join(", "))
}

/// Returns parameters as SQLite takes them.
pub(super) fn named<'a>(parameters: &'a [(&'static str, Value)]) -> Vec<(&'a str, &'a dyn ToSql)> {
    parameters
        .iter()
        .map(|(name, value)| -> (&str, &dyn ToSql) { (name, value) })
        .collect()
}
