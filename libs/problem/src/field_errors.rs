use std::fmt;

use crate::Problem;

/// Collects all invalid fields of a request, so that the client can correct them at once.
#[derive(Debug)]
pub struct FieldErrors {
    problem: Option<Problem>,
}

impl FieldErrors {
    /// Creates an empty collection.
    pub const fn new() -> Self {
        Self { problem: None }
    }

    /// Returns the value of a result, or adds its error.
    pub fn check<T, E: fmt::Display>(&mut self, field: &str, parsed: Result<T, E>) -> Option<T> {
        parsed.map_err(|error| self.add(field, error)).ok()
    }

    /// Adds an error of a field.
    pub fn add(&mut self, field: &str, message: impl fmt::Display) {
        self.problem = Some(
            self.problem
                .take()
                .unwrap_or_else(Problem::invalid_fields)
                .field(field, message),
        );
    }

    /// Returns the value if all fields are valid.
    pub fn into_result<T>(self, value: Option<T>) -> Result<T, Problem> {
        match (self.problem, value) {
            (None, Some(value)) => Ok(value),
            (problem, _) => Err(problem.unwrap_or_else(Problem::invalid_fields)),
        }
    }
}

impl Default for FieldErrors {
    fn default() -> Self {
        Self::new()
    }
}
