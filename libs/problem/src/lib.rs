//! Problem documents ([RFC 9457]): the responses to refused requests.
//!
//! An error has two readers. The [`Problem`] contains what the client may read. The cause is for the operator: it is logged
//! once, where the problem is created, and never sent.
//!
//! [RFC 9457]: https://www.rfc-editor.org/rfc/rfc9457

mod body;
mod field_errors;
mod from_error;
mod openapi;
mod problem;
mod responses;

pub use body::{BODY_LIMIT, payload_too_large, unreadable_body, unsupported_media_type};
pub use field_errors::FieldErrors;
pub use from_error::{from_error, parameter_error};
pub use openapi::complete;
pub use problem::{Denied, FieldError, Problem, ProblemDocument};
pub use responses::problem_response;

#[doc(hidden)]
pub use {poem, poem_openapi};
