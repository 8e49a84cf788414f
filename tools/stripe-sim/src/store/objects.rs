//! The objects of the API, each stored as the JSON that the API shows.

use poem::http::StatusCode;
use rusqlite::{OptionalExtension, params};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::Tx;
use crate::error::StripeError;

/// One kind of object of the API.
pub(crate) trait Object: Serialize + DeserializeOwned {
    /// The `object` of its JSON.
    const KIND: &'static str;
    /// The noun in the error "No such …".
    const NOUN: &'static str;

    fn id(&self) -> &str;
}

impl Tx<'_> {
    /// Returns an object, or `None` if there is none of this kind and id.
    pub(crate) fn find<T: Object>(&self, id: &str) -> Result<Option<T>, StripeError> {
        let body: Option<String> = self
            .sql
            .prepare_cached("SELECT body FROM object WHERE id = ?1 AND kind = ?2")?
            .query_row(params![id, T::KIND], |row| row.get(0))
            .optional()?;
        Ok(body.map(|body| serde_json::from_str(&body)).transpose()?)
    }

    /// Returns the object whose id is the value of a parameter; 400 if there is none.
    pub(crate) fn get<T: Object>(&self, id: &str, param: &str) -> Result<T, StripeError> {
        self.find(id)?.ok_or_else(|| StripeError::no_such(T::NOUN, id, param))
    }

    /// Returns the object that the path names; 404 if there is none.
    pub(crate) fn get_by_path<T: Object>(&self, id: &str, param: &str) -> Result<T, StripeError> {
        self.get(id, param).map_err(|error| match error.body.code.as_deref() {
            Some("resource_missing") => error.with_status(StatusCode::NOT_FOUND),
            _ => error,
        })
    }

    /// Stores an object, new or changed.
    pub(crate) fn save<T: Object>(&self, object: &T) -> Result<(), StripeError> {
        self.sql
            .prepare_cached(
                "INSERT INTO object (id, kind, body) VALUES (?1, ?2, ?3)
                 ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            )?
            .execute(params![object.id(), T::KIND, serde_json::to_string(object)?])?;
        Ok(())
    }

    /// Counts a number of an object down, not below zero. `path` names it.
    pub(crate) fn count_down<T: Object>(&self, id: &str, path: &str) -> Result<(), StripeError> {
        self.sql
            .prepare_cached(
                "UPDATE object SET body = json_set(body, ?3, max(0, (body ->> ?3) - 1)) WHERE id = ?1 AND kind = ?2",
            )?
            .execute(params![id, T::KIND, path])?;
        Ok(())
    }

    /// Stores the part of an object that the API never shows.
    pub(crate) fn save_private(&self, id: &str, part: &impl Serialize) -> Result<(), StripeError> {
        self.sql
            .prepare_cached("UPDATE object SET inner = ?2 WHERE id = ?1")?
            .execute(params![id, serde_json::to_string(part)?])?;
        Ok(())
    }

    /// Returns the part of an object that the API never shows.
    pub(crate) fn private<T: DeserializeOwned>(&self, id: &str) -> Result<Option<T>, StripeError> {
        let part: Option<String> = self
            .sql
            .prepare_cached("SELECT inner FROM object WHERE id = ?1")?
            .query_row([id], |row| row.get(0))
            .optional()?
            .flatten();
        Ok(part.map(|part| serde_json::from_str(&part)).transpose()?)
    }

    /// Returns an object of any kind as the API shows it.
    pub(crate) fn json(&self, id: &str) -> Result<Option<Value>, StripeError> {
        let body = self.body(id)?;
        Ok(body.map(|body| serde_json::from_str(&body)).transpose()?)
    }

    /// Returns the JSON text of an object of any kind.
    pub(crate) fn body(&self, id: &str) -> Result<Option<String>, StripeError> {
        Ok(self
            .sql
            .prepare_cached("SELECT body FROM object WHERE id = ?1")?
            .query_row([id], |row| row.get(0))
            .optional()?)
    }

    /// Returns every object of a kind, oldest first.
    pub(crate) fn all<T: Object>(&self) -> Result<Vec<T>, StripeError> {
        let mut query = self
            .sql
            .prepare_cached("SELECT body FROM object WHERE kind = ?1 ORDER BY seq")?;
        let bodies = query.query_map([T::KIND], |row| row.get::<_, String>(0))?;
        bodies.map(|body| Ok(serde_json::from_str(&body?)?)).collect()
    }

    /// Deletes an object.
    pub(crate) fn delete(&self, id: &str) -> Result<(), StripeError> {
        self.sql
            .prepare_cached("DELETE FROM object WHERE id = ?1")?
            .execute([id])?;
        Ok(())
    }
}
