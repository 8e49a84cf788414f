use std::fmt;

use crate::Problem;

/// The maximum number of invalid fields that one response names: the response to a hostile body stays small.
const MAX_ERRORS: usize = 100;

/// Collects all invalid fields of a request, so that the client can correct them at once.
#[derive(Debug)]
pub struct FieldErrors {
    problem: Option<Problem>,
    count: usize,
}

impl FieldErrors {
    /// Creates an empty collection.
    pub const fn new() -> Self {
        Self {
            problem: None,
            count: 0,
        }
    }

    /// Returns the value of a result, or adds its error.
    pub fn check<T, E: fmt::Display>(&mut self, field: impl fmt::Display, parsed: Result<T, E>) -> Option<T> {
        parsed.map_err(|error| self.add(field, error)).ok()
    }

    /// Adds an error of a field. More than a hundred are not named.
    pub fn add(&mut self, field: impl fmt::Display, message: impl fmt::Display) {
        self.count += 1;
        if self.count > MAX_ERRORS {
            return;
        }
        self.problem = Some(
            self.problem
                .take()
                .unwrap_or_else(Problem::invalid_fields)
                .field(field.to_string(), message),
        );
    }

    /// Returns whether no field is invalid.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
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
