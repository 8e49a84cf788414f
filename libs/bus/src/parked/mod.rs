//! Messages that a service could not process, and what an operator does about them.
//!
//! Only [`redrive`] and [`discard`] remove messages. [`redrive`] removes a message after the broker has confirmed its copy;
//! [`discard`] deletes the selected messages for good.

mod commands;
mod message;
mod queue;
mod selection;

pub use commands::{discard, list, redrive, show};
pub use message::ParkedMessage;
pub use selection::{MalformedSelection, Selection};
