//! Forms that people send: parsing, and errors of fields.

mod errors;
mod form;
mod upload;

pub(crate) use errors::FieldErrors;
pub(crate) use form::{Form, FormError};
pub(crate) use upload::read_file;
