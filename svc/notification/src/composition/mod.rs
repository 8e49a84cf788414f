//! The texts of mails: subject, text and HTML in the language of the recipient.

mod compose;
mod links;
mod render;
mod tickets;
mod wording;

pub(crate) use compose::{ComposedMail, Composer};
pub(crate) use links::Keys;
#[cfg(test)]
pub(crate) use tickets::Attachment;
