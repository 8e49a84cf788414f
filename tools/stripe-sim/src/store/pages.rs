//! Lists of objects in pages (<https://docs.stripe.com/api/pagination>).

use rusqlite::types::Value as SqlValue;
use serde_json::{Value, json};

use super::{Object, Tx};
use crate::{error::StripeError, form::Params};

const DEFAULT_PAGE_SIZE: i64 = 10;
const MAX_PAGE_SIZE: i64 = 100;

impl Tx<'_> {
    /// Returns a page of objects, newest first, by the parameters `limit`, `starting_after`, `ending_before`,
    /// `created`, and those of `filters`, each of which is also the name of a field.
    pub(crate) fn list<T: Object>(&self, url: &str, params: &Params, filters: &[&str]) -> Result<Value, StripeError> {
        let limit = page_size(params)?;
        let (after, before) = (params.text("starting_after")?, params.text("ending_before")?);
        if after.is_some() && before.is_some() {
            return Err(StripeError::exclusive("starting_after", "ending_before"));
        }
        let mut sql = "SELECT body FROM object WHERE kind = ?".to_owned();
        let mut values: Vec<SqlValue> = vec![T::KIND.to_owned().into()];
        for filter in filters {
            if let Some(value) = params.text(filter)? {
                sql.push_str(" AND body ->> ? = ?");
                values.extend([format!("$.{filter}").into(), value.to_owned().into()]);
            }
        }
        for (compare, bound) in created_bounds(params)? {
            sql.extend([" AND body ->> '$.created' ", compare, " ?"]);
            values.push(bound.into());
        }
        for (cursor, param, compare) in [(after, "starting_after", "<"), (before, "ending_before", ">")] {
            if let Some(id) = cursor {
                self.get::<T>(id, param)?;
                sql.extend([" AND seq ", compare, " (SELECT seq FROM object WHERE id = ?)"]);
                values.push(id.to_owned().into());
            }
        }
        // Backwards, the page is the one next to the cursor; the response is newest first in both directions.
        sql.push_str(if before.is_some() {
            " ORDER BY seq LIMIT ?"
        } else {
            " ORDER BY seq DESC LIMIT ?"
        });
        values.push((limit + 1).into());

        let mut query = self.sql.prepare_cached(&sql)?;
        let bodies = query.query_map(rusqlite::params_from_iter(values), |row| row.get::<_, String>(0))?;
        let bodies = bodies.collect::<Result<Vec<_>, _>>()?;
        let (mut data, has_more) = page_of(&bodies, limit)?;
        if before.is_some() {
            data.reverse();
        }
        Ok(json!({ "object": "list", "url": url, "has_more": has_more, "data": data }))
    }

    /// Returns the newest objects with a value in their metadata, in one page.
    pub(crate) fn search<T: Object>(&self, url: &str, params: &Params) -> Result<Value, StripeError> {
        let (query, limit) = (params.required_text("query")?, page_size(params)?);
        let (key, value) = metadata_query(query).ok_or_else(|| {
            let text = format!("The query is not supported: {query}. Supported is metadata['KEY']:'VALUE'.");
            StripeError::invalid("query", text)
        })?;
        let mut select = self
            .sql
            .prepare_cached("SELECT body FROM object WHERE kind = ? AND body ->> ? = ? ORDER BY seq DESC LIMIT ?")?;
        let path = format!("$.metadata.\"{key}\"");
        let bodies = select.query_map((T::KIND, path, value, limit + 1), |row| row.get::<_, String>(0))?;
        let (data, has_more) = page_of(&bodies.collect::<Result<Vec<_>, _>>()?, limit)?;
        Ok(json!({ "object": "search_result", "url": url, "has_more": has_more, "next_page": null, "data": data }))
    }
}

/// Returns the objects of a page, and whether there are more.
fn page_of(bodies: &[String], limit: i64) -> Result<(Vec<Value>, bool), StripeError> {
    let size = usize::try_from(limit).unwrap_or(usize::MAX);
    let data = bodies.iter().take(size).map(|body| serde_json::from_str(body));
    Ok((data.collect::<Result<_, _>>()?, bodies.len() > size))
}

/// Reads `limit`.
fn page_size(params: &Params) -> Result<i64, StripeError> {
    let limit = params.integer("limit")?.unwrap_or(DEFAULT_PAGE_SIZE);
    if (1..=MAX_PAGE_SIZE).contains(&limit) {
        return Ok(limit);
    }
    let text = "Invalid limit: must be between 1 and 100".to_owned();
    Err(StripeError::invalid_integer("limit", text))
}

/// Reads `metadata['KEY']:'VALUE'`.
fn metadata_query(query: &str) -> Option<(&str, &str)> {
    let (key, value) = query.strip_prefix("metadata['")?.split_once("']:'")?;
    let value = value.strip_suffix('\'')?;
    (!key.contains(['\'', '"', '\\']) && !value.contains('\'')).then_some((key, value))
}

/// Reads the bounds on the time of creation: `created=…` or `created[gt|gte|lt|lte]=…`, in seconds.
fn created_bounds(params: &Params) -> Result<Vec<(&'static str, i64)>, StripeError> {
    let Ok(Some(range)) = params.map("created") else {
        return Ok(params
            .integer("created")?
            .map(|seconds| ("=", seconds))
            .into_iter()
            .collect());
    };
    range.reject_unknown(&["gt", "gte", "lt", "lte"])?;
    let mut bounds = Vec::new();
    for (key, compare) in [("gt", ">"), ("gte", ">="), ("lt", "<"), ("lte", "<=")] {
        bounds.extend(range.integer(key)?.map(|seconds| (compare, seconds)));
    }
    Ok(bounds)
}
