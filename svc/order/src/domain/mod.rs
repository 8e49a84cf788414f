//! State machines and values of the service: orders, refunds, listings. No SQL, no HTTP, no clock.

mod listing;
mod order;
mod refund;
mod withdrawal;

pub(crate) use listing::{Listing, NotForSale};
pub(crate) use order::{AfterSale, CannotCancel, CannotPay, CannotRefund, Change, GivenBack, Order, Refused, Shown};
pub(crate) use refund::{Decided, Reason, Refund, Wish};
pub(crate) use withdrawal::Progress;
