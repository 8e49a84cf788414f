//! What a client reads when its request is refused: a problem document ([RFC 9457]).
//!
//! An error is a pair: what the client may read is in the [`Problem`], what the operator must know is logged where the
//! problem is made, once, and never sent.
//!
//! [RFC 9457]: https://www.rfc-editor.org/rfc/rfc9457

mod body;
mod document;
mod from_error;
mod invalid;
mod spec;
mod statuses;

pub use body::{BODY_LIMIT, Body, too_large, unsupported};
pub use document::{FieldError, Problem, ProblemDocument};
pub use from_error::from_error;
pub use invalid::Invalid;
pub use spec::complete;
pub use statuses::meta;

#[doc(hidden)]
pub use {poem, poem_openapi};
