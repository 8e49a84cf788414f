use std::error::Error;

/// The result of a step of a measurement.
pub type BenchResult<T> = Result<T, Box<dyn Error + Send + Sync>>;
