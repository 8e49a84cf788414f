//! The words that all services share: identifiers, moments and money, each a type that cannot be mistaken for another.
//!
//! Each knows how it looks in JSON, in a path, in an OpenAPI document and in a database column; nothing else does.

mod id;
mod money;
mod openapi;
mod text_enum;
mod timestamp;

pub use id::{EventId, MalformedId, OrderId, PaymentId, RefundId, SessionId, TicketId, UserId};
pub use money::{Currency, MAX_AMOUNT, Money, NotPayable, UnknownCurrency};
pub use text_enum::UnknownText;
pub use timestamp::{Clock, MalformedTimestamp, Timestamp};

/// What the expansion of [`text_enum!`] refers to.
#[doc(hidden)]
pub mod __private {
    pub use rusqlite;
    pub use serde;
}
