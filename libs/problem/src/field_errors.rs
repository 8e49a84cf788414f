use std::fmt;

use crate::Problem;

/// Collects everything that is wrong about a request, so that the client hears it all at once.
#[derive(Debug)]
pub struct FieldErrors {
    problem: Option<Problem>,
}

impl FieldErrors {
    /// Nothing is wrong so far.
    pub const fn new() -> Self {
        Self { problem: None }
    }

    /// Keeps a field's value, or what is wrong about it.
    pub fn check<T, E: fmt::Display>(&mut self, field: &str, parsed: Result<T, E>) -> Option<T> {
        parsed.map_err(|error| self.add(field, error)).ok()
    }

    /// Says what is wrong about a field.
    pub fn add(&mut self, field: &str, message: impl fmt::Display) {
        self.problem = Some(
            self.problem
                .take()
                .unwrap_or_else(Problem::invalid_fields)
                .field(field, message),
        );
    }

    /// The value, unless something was wrong.
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
