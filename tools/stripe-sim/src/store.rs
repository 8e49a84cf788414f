//! Where the state lives: one SQLite connection, in memory or in a file, and one transaction per request.

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
};

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use values::Timestamp;

use crate::{error::StripeError, form::Params};

/// The shape of the tables, as `PRAGMA user_version` counts it.
const SCHEMA: i64 = 2;

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file is no database, or cannot be read or written.
    #[error("the database cannot be opened: {0}")]
    Unusable(#[from] rusqlite::Error),
    /// The file can be read, but not written.
    #[error("the database cannot be written: {0}")]
    Unwritable(String),
    /// The file was written by a newer version of the double.
    #[error("the database has version {found}, this program knows {known}: use the newer program")]
    Newer {
        /// The version in the file.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
}

/// The one connection. What was answered is on the disk: `synchronous=FULL` survives a loss of power.
pub(crate) struct Store(Mutex<Connection>);

impl Store {
    /// Opens the file, or memory when there is none, and creates what is missing.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, OpenError> {
        let connection = match path {
            Some(path) => Connection::open(path)?,
            None => Connection::open_in_memory()?,
        };
        connection
            .execute_batch("PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")?;
        let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if found > SCHEMA {
            return Err(OpenError::Newer { found, known: SCHEMA });
        }
        connection.execute_batch(include_str!("schema.sql"))?;
        connection.pragma_update(None, "user_version", SCHEMA)?;
        Ok(Self(Mutex::new(connection)))
    }

    /// Runs `work` in one transaction; an error undoes all of it.
    pub(crate) fn transaction<T>(
        &self,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<T, StripeError>,
    ) -> Result<T, StripeError> {
        // A panic while the connection was held has rolled its transaction back: the connection itself is sound.
        let mut connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = work(&mut transaction)?;
        transaction.commit()?;
        Ok(done)
    }
}

/// One kind of object of the API. It is stored as it is shown.
pub(crate) trait Object: Serialize + DeserializeOwned {
    /// The `object` of its JSON.
    const KIND: &'static str;
    /// What "No such …" calls it.
    const NOUN: &'static str;

    fn id(&self) -> &str;
}

/// Which request an effect belongs to; events name it.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) request_id: String,
    pub(crate) idempotency_key: Option<String>,
    /// Where the client found the double, without a slash at the end: the links in answers start with it.
    pub(crate) base_url: String,
}

/// What an endpoint works with: the objects, the moment, and the request it answers.
pub(crate) struct Tx<'c> {
    pub(crate) sql: &'c Connection,
    pub(crate) now: Timestamp,
    pub(crate) origin: &'c Origin,
}

impl Tx<'_> {
    pub(crate) fn find<T: Object>(&self, id: &str) -> Result<Option<T>, StripeError> {
        let body: Option<String> = self
            .sql
            .prepare_cached("SELECT body FROM object WHERE id = ?1 AND kind = ?2")?
            .query_row(params![id, T::KIND], |row| row.get(0))
            .optional()?;
        Ok(body.map(|body| serde_json::from_str(&body)).transpose()?)
    }

    /// The object whose id was given as a parameter.
    pub(crate) fn get<T: Object>(&self, id: &str, param: &str) -> Result<T, StripeError> {
        self.find(id)?.ok_or_else(|| StripeError::no_such(T::NOUN, id, param))
    }

    /// The object that the path names: Stripe answers 404 there, and 400 for a parameter.
    pub(crate) fn get_by_path<T: Object>(&self, id: &str, param: &str) -> Result<T, StripeError> {
        self.get(id, param).map_err(|error| match error.body.code.as_deref() {
            Some("resource_missing") => error.status(poem::http::StatusCode::NOT_FOUND),
            _ => error,
        })
    }

    /// Writes an object, new or changed.
    pub(crate) fn save<T: Object>(&self, object: &T) -> Result<(), StripeError> {
        self.sql
            .prepare_cached(
                "INSERT INTO object (id, kind, body) VALUES (?1, ?2, ?3)
                 ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            )?
            .execute(params![object.id(), T::KIND, serde_json::to_string(object)?])?;
        Ok(())
    }

    /// Writes what the API never shows of an object.
    pub(crate) fn save_inner(&self, id: &str, inner: &impl Serialize) -> Result<(), StripeError> {
        self.sql
            .prepare_cached("UPDATE object SET inner = ?2 WHERE id = ?1")?
            .execute(params![id, serde_json::to_string(inner)?])?;
        Ok(())
    }

    pub(crate) fn inner<T: DeserializeOwned>(&self, id: &str) -> Result<Option<T>, StripeError> {
        let inner: Option<String> = self
            .sql
            .prepare_cached("SELECT inner FROM object WHERE id = ?1")?
            .query_row([id], |row| row.get(0))
            .optional()?
            .flatten();
        Ok(inner.map(|inner| serde_json::from_str(&inner)).transpose()?)
    }

    /// Any object, as it is shown.
    pub(crate) fn show(&self, id: &str) -> Result<Option<Value>, StripeError> {
        let body: Option<String> = self
            .sql
            .prepare_cached("SELECT body FROM object WHERE id = ?1")?
            .query_row([id], |row| row.get(0))
            .optional()?;
        Ok(body.map(|body| serde_json::from_str(&body)).transpose()?)
    }

    /// Every object of a kind, oldest first.
    pub(crate) fn all<T: Object>(&self) -> Result<Vec<T>, StripeError> {
        let mut query = self
            .sql
            .prepare_cached("SELECT body FROM object WHERE kind = ?1 ORDER BY seq")?;
        let bodies = query.query_map([T::KIND], |row| row.get::<_, String>(0))?;
        bodies.map(|body| Ok(serde_json::from_str(&body?)?)).collect()
    }

    pub(crate) fn delete(&self, id: &str) -> Result<(), StripeError> {
        self.sql
            .prepare_cached("DELETE FROM object WHERE id = ?1")?
            .execute([id])?;
        Ok(())
    }

    /// A page of objects, newest first, as Stripe pages: `limit`, `starting_after`, `ending_before`, `created`, and the
    /// fields of `filters` (each a parameter of the same name).
    pub(crate) fn list<T: Object>(&self, url: &str, params: &Params, filters: &[&str]) -> Result<Value, StripeError> {
        let limit = params.integer("limit")?.unwrap_or(10);
        if !(1..=100).contains(&limit) {
            let text = "Invalid limit: must be between 1 and 100".to_owned();
            return Err(StripeError::invalid_integer("limit", text));
        }
        let (after, before) = (params.text("starting_after")?, params.text("ending_before")?);
        if after.is_some() && before.is_some() {
            return Err(StripeError::exclusive("starting_after", "ending_before"));
        }
        let mut sql = "SELECT body FROM object WHERE kind = ?".to_owned();
        let mut values: Vec<rusqlite::types::Value> = vec![T::KIND.to_owned().into()];
        for filter in filters {
            if let Some(value) = params.text(filter)? {
                sql.push_str(" AND body ->> ? = ?");
                values.extend([format!("$.{filter}").into(), value.to_owned().into()]);
            }
        }
        for (compare, bound) in created(params)? {
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
        // Backwards the page is the one next to the cursor, and is shown newest first all the same.
        sql.push_str(if before.is_some() {
            " ORDER BY seq LIMIT ?"
        } else {
            " ORDER BY seq DESC LIMIT ?"
        });
        values.push((limit + 1).into());

        let mut query = self.sql.prepare(&sql)?;
        let bodies = query.query_map(rusqlite::params_from_iter(values), |row| row.get::<_, String>(0))?;
        let mut data: Vec<Value> = bodies
            .map(|body| Ok(serde_json::from_str(&body?)?))
            .collect::<Result<_, StripeError>>()?;
        let asked = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = data.len() > asked;
        data.truncate(asked);
        if before.is_some() {
            data.reverse();
        }
        Ok(json!({ "object": "list", "url": url, "has_more": has_more, "data": data }))
    }
}

/// The bounds on the moment of creation: `created=…` or `created[gt|gte|lt|lte]=…`, in seconds.
fn created(params: &Params) -> Result<Vec<(&'static str, i64)>, StripeError> {
    let Ok(Some(range)) = params.map("created") else {
        return Ok(params.integer("created")?.map(|at| ("=", at)).into_iter().collect());
    };
    range.only(&["gt", "gte", "lt", "lte"])?;
    let mut bounds = Vec::new();
    for (key, compare) in [("gt", ">"), ("gte", ">="), ("lt", "<"), ("lte", "<=")] {
        bounds.extend(range.integer(key)?.map(|at| (compare, at)));
    }
    Ok(bounds)
}
