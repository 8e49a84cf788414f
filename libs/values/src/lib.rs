//! Value types that all services share: identifiers, timestamps, money, and enums with a wire text.
//!
//! Each type defines its form in JSON, in a path, in an OpenAPI document and in a database column.

mod id;
mod language;
mod money;
mod openapi;
mod text_enum;
mod timestamp;

pub use id::{
    AdmissionId, DoorId, EventId, MailId, MalformedId, OrderId, PaymentId, RefundId, ScanId, SessionId, TicketId,
    TransferId, UserId,
};
pub use language::Language;
pub use money::{Currency, MAX_AMOUNT, Money, NotChargeable, UnknownCurrency};
pub use text_enum::UnknownText;
pub use timestamp::{Clock, MalformedTimestamp, Timestamp};

/// The largest number of tickets of one listing, and so of one order.
pub const MAX_QUANTITY: u32 = 1_000_000;

/// What the expansion of [`text_enum!`] refers to.
#[doc(hidden)]
pub mod __private {
    pub use rusqlite;
    pub use serde;
}
