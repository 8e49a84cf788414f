//! What a client reads when its request is refused: a problem document ([RFC 9457]).
//!
//! An error is a pair: what the client may read is in the [`Problem`], what the operator must know is logged where the
//! problem is made, once, and never sent.
//!
//! [RFC 9457]: https://www.rfc-editor.org/rfc/rfc9457

mod body;
mod field_errors;
mod from_error;
mod openapi;
mod problem;
mod responses;

pub use body::{BODY_LIMIT, Body, payload_too_large, unsupported_media_type};
pub use field_errors::FieldErrors;
pub use from_error::from_error;
pub use openapi::complete;
pub use problem::{FieldError, Problem, ProblemDocument};
pub use responses::problem_response;

#[doc(hidden)]
pub use {poem, poem_openapi};
