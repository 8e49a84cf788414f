//! What clients send, read exactly as the OpenAPI documents describe it.
//!
//! * [`Body`] reads a JSON body. [`object!`] declares its fields once, for reading and for the document. A refusal names
//!   every field that is missing, unknown, duplicate or invalid.
//! * [`Text`], [`Whole`], [`List`] and [`Kept`] are fields: a text with rules, a whole number with bounds, a list with
//!   bounds, and a field of a change that keeps the present value if it is left out.
//! * [`Query`] and [`Header`] are arguments of operations. [`Parameter`] is a value with rules: in a query, a path or a
//!   header.
//! * [`Strict`] checks parameters and headers before a handler runs, and names all that are unknown, repeated, unreadable
//!   or invalid at once.

// The expansion of `object!` names this crate.
extern crate self as input;

mod body;
mod email;
mod errors;
mod extractors;
mod field;
mod fields;
mod json;
mod kept;
mod list;
mod media_type;
mod money;
mod number;
mod object;
mod parameter;
mod place;
mod strict;
mod text;
mod types;
mod whole;

pub use body::{Body, read_json};
pub use email::EmailAddress;
pub use errors::Errors;
pub use extractors::{Header, Query};
pub use field::Field;
pub use fields::{Fields, Properties};
pub use json::Json;
pub use kept::Kept;
pub use list::List;
pub use money::Price;
pub use number::Number;
pub use object::ObjectReader;
pub use parameter::{Parameter, ParameterRule};
pub use place::Place;
pub use strict::Strict;
pub use text::{CanonicalText, Text, TextRule};
pub use whole::Whole;

/// What the expansion of [`object!`] refers to.
#[doc(hidden)]
pub mod __private {
    pub use poem_openapi;
    pub use serde;
    pub use serde_json;

    pub use crate::fields::object_schema;
}
