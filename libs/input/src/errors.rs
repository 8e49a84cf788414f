use std::fmt::Display;

use poem::http::Extensions;
use problem::{FieldErrors, Problem};

/// The errors of a body, and the request's data, which rules of a body may need.
#[derive(Debug, Default)]
pub struct Errors<'r> {
    found: FieldErrors,
    /// Errors that are named only beside others.
    deferred: Vec<(String, String)>,
    data: Option<&'r Extensions>,
}

impl<'r> Errors<'r> {
    /// Creates an empty collection for a request with this data.
    pub fn with_data(data: &'r Extensions) -> Self {
        Self {
            data: Some(data),
            ..Self::default()
        }
    }

    /// Returns the value of a result, or adds its error.
    pub fn check<T, E: Display>(&mut self, field: impl Display, parsed: Result<T, E>) -> Option<T> {
        self.found.check(field, parsed)
    }

    /// Adds an error of a field.
    pub fn add(&mut self, field: impl Display, message: impl Display) {
        self.found.add(field, message);
    }

    /// Checks a rule that needs data of the request. Its error is named if the body has another one; alone it is left to
    /// the use case. Without the data, nothing is checked.
    pub fn check_with<C: Send + Sync + 'static, E: Display>(
        &mut self,
        field: impl Display,
        rule: impl FnOnce(&C) -> Result<(), E>,
    ) {
        let Some(data) = self.data.and_then(|data| data.get::<C>()) else {
            return;
        };
        if let Err(error) = rule(data) {
            self.deferred.push((field.to_string(), error.to_string()));
        }
    }

    /// Returns the value if all fields are valid.
    pub fn into_result<T>(mut self, value: Option<T>) -> Result<T, Problem> {
        if self.found.is_empty() && value.is_some() {
            return self.found.into_result(value);
        }
        for (field, message) in self.deferred {
            self.found.add(field, message);
        }
        self.found.into_result(value)
    }
}
