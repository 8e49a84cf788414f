use bus::{DelayLadder, outbox};
use db::Tx;
use events::{Event, Expiration, Timer as TimerMessage};
use values::Timestamp;

use crate::domain::Timer;

/// The name of the service: its queue, the source of its events, and its database.
pub(crate) const SERVICE_NAME: &str = "expiration";

/// Publishes that the deadline of an order has passed.
pub(crate) fn publish_expiration(tx: &Tx, now: Timestamp, expiration: Expiration) -> Result<(), db::Error> {
    outbox::append(tx, SERVICE_NAME, now, Event::ExpirationCompleted(expiration))
}

/// Sends a timer message to a delay queue; it arrives at the deadline, or before it.
pub(crate) fn send_timer(tx: &Tx, now: Timestamp, timer: &Timer, delay_ladder: &DelayLadder) -> Result<(), db::Error> {
    let message = Event::ExpirationTimer(TimerMessage {
        order_id: timer.order_id(),
        deadline: timer.deadline(),
    });
    outbox::append_timer(tx, SERVICE_NAME, now, message, timer.deadline(), delay_ladder)
}
