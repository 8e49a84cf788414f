//! The contracts of the events that the services publish and consume.
//!
//! Each event carries the whole state of its aggregate with its version. A consumer stores the newest state and derives
//! effects from it, because events may be delivered twice, late or in any order. Within one version of an event, fields are
//! only added; a breaking change is a new event (`….v2`).

mod account;
mod admission;
mod asyncapi;
mod envelope;
mod event_table;
mod event_table_macro;
pub mod examples;
mod expiration;
mod order;
mod payment;
mod refund;
mod session;
#[cfg(test)]
mod tests;
mod ticket;

pub use account::{Account, AccountMail, AccountMailKind, AccountStatus, Closure, ClosureObstacle};
pub use admission::{Admission, AdmissionRecord, AdmissionState, Transfer, TransferRecord, TransferStatus, VoidReason};
pub use asyncapi::asyncapi;
pub use envelope::{Envelope, Malformed};
use event_table::EventType;
pub use event_table::{Event, ROUTES, Route, subscriptions};
pub use expiration::{Expiration, Timer};
pub use order::{AfterSale, CancelReason, Order, OrderRecord, OrderStatus};
pub use payment::{Dispute, DisputeStatus, Payment, PaymentStatus, RefundOutcome, Reversal};
pub use refund::{AskedBy, Refund, RefundStatus};
pub use session::{Session, SigningKey};
pub use ticket::{RefundTerms, Ticket, TicketRecord};
