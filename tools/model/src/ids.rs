//! Ids and times that are the same in every state, so that states which differ only in them are one.

use std::{str::FromStr, time::Duration};

use values::{OrderId, PaymentId, RefundId, TicketId, Timestamp, UserId};

/// The time at which the order is placed.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_811_851_200_000);

/// The granularity of stored times, in milliseconds. Offsets within it are those of requests and webhooks.
pub(crate) const GRANULARITY_MS: i64 = 10_000;

const MINUTE_MS: i64 = 60_000;

/// The ticks of the clock, in milliseconds after the start: the start; the deadline; the end of the extension; shortly
/// before Stripe deletes an idempotency key; after that.
pub(crate) const TICKS_MS: [i64; 5] = [0, 15 * MINUTE_MS, 20 * MINUTE_MS, 1410 * MINUTE_MS, 1500 * MINUTE_MS];

pub(crate) const ORDER_WINDOW: Duration = Duration::from_mins(15);
pub(crate) const EXTENSION: Duration = Duration::from_mins(5);

/// Returns the time of a tick.
pub(crate) fn time_of(tick: u8) -> Timestamp {
    Timestamp::from_millis(START.millis() + TICKS_MS[usize::from(tick)])
}

pub(crate) const ORDER: &str = "01a5dc00-0000-7000-8000-00000000000a";
pub(crate) const PAYMENTS: [&str; 2] = [
    "01a5dc00-0000-7000-8000-0000000000b0",
    "01a5dc00-0000-7000-8000-0000000000b1",
];
/// Refunds that the order service creates.
pub(crate) const REFUNDS: [&str; 3] = [
    "01a5dc00-0000-7000-8000-0000000000c0",
    "01a5dc00-0000-7000-8000-0000000000c1",
    "01a5dc00-0000-7000-8000-0000000000c2",
];
/// Refunds in Stripe's dashboard, which the payment service finds.
pub(crate) const DASHBOARD_REFUNDS: [&str; 2] = [
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
