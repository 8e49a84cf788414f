//! Ids and moments that are the same in every world: what is only another name is no other state.

use std::str::FromStr;

use values::{OrderId, PaymentId, RefundId, TicketId, Timestamp, UserId};

/// Noon of the day of the order.
pub(crate) const NOON: Timestamp = Timestamp::from_millis(1_811_851_200_000);

/// What of a moment is no whole step of the clock.
pub(crate) const STEP: i64 = 10_000;

const MINUTE: i64 = 60_000;

/// The steps of the clock: at first; the deadline; the extension's end; before Stripe forgets a key; after that.
pub(crate) const CLOCK: [i64; 5] = [0, 15 * MINUTE, 20 * MINUTE, 1410 * MINUTE, 1500 * MINUTE];

pub(crate) const WINDOW: std::time::Duration = std::time::Duration::from_mins(15);
pub(crate) const EXTENSION: std::time::Duration = std::time::Duration::from_mins(5);

pub(crate) fn at(tick: u8) -> Timestamp {
    Timestamp::from_millis(NOON.millis() + CLOCK[usize::from(tick)])
}

pub(crate) const ORDER: &str = "01a5dc00-0000-7000-8000-00000000000a";
pub(crate) const PAYMENTS: [&str; 2] = [
    "01a5dc00-0000-7000-8000-0000000000b0",
    "01a5dc00-0000-7000-8000-0000000000b1",
];
/// Refunds that the order service makes.
pub(crate) const REFUNDS: [&str; 3] = [
    "01a5dc00-0000-7000-8000-0000000000c0",
    "01a5dc00-0000-7000-8000-0000000000c1",
    "01a5dc00-0000-7000-8000-0000000000c2",
];
/// Refunds that the payment service finds at Stripe.
pub(crate) const BY_HAND: [&str; 2] = [
    "01a5dc00-0000-7000-8000-0000000000d0",
    "01a5dc00-0000-7000-8000-0000000000d1",
];
pub(crate) const EVENT: &str = "01a5dc00-0000-7000-8000-0000000000e0";
const BUYER: &str = "01a5dc00-0000-7000-8000-0000000000f0";
const SELLER: &str = "01a5dc00-0000-7000-8000-0000000000f1";
const TICKET: &str = "01a5dc00-0000-7000-8000-0000000000f2";

fn id<T: FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

pub(crate) fn order() -> OrderId {
    id(ORDER)
}

pub(crate) fn payment(index: usize) -> PaymentId {
    id(PAYMENTS[index])
}

pub(crate) fn refund(index: usize) -> RefundId {
    id(REFUNDS[index])
}

pub(crate) fn buyer() -> UserId {
    id(BUYER)
}

pub(crate) fn seller() -> UserId {
    id(SELLER)
}

pub(crate) fn ticket() -> TicketId {
    id(TICKET)
}
