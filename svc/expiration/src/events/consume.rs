use std::sync::Arc;

use bus::{ConsumeError, Consumer, DelayLadder, Queue};
use events::Envelope;
use tokio::sync::Notify;

use crate::use_cases::{MAX_EXPIRED, process_timer, track_order};

/// Returns the consumers of the orders' events and of the service's timers. They notify `overdue` when more orders are overdue
/// than one transaction expires.
pub(crate) fn consumers(delay_ladder: &DelayLadder, overdue: Arc<Notify>) -> Vec<Consumer> {
    let (for_orders, for_timers) = (delay_ladder.clone(), delay_ladder.clone());
    vec![
        Consumer {
            queue: Queue::Events,
            handler: Arc::new(move |tx, now, envelope| match envelope.event.as_order() {
                Some(order) => Ok(track_order(tx, now, order, &for_orders)?),
                None => Err(unexpected_event(envelope)),
            }),
        },
        Consumer {
            queue: Queue::Timers,
            handler: Arc::new(move |tx, now, envelope| match envelope.event.as_timer() {
                Some(timer) => {
                    let expired = process_timer(tx, now, timer, &for_timers)?;
                    if u32::try_from(expired).is_ok_and(|expired| expired >= MAX_EXPIRED) {
                        // Its transaction follows this one.
                        overdue.notify_one();
                    }
                    Ok(())
                }
                None => Err(unexpected_event(envelope)),
            }),
        },
    ]
}

fn unexpected_event(envelope: &Envelope) -> ConsumeError {
    ConsumeError::new(format_args!("unexpected event type {}", envelope.event.name()))
}
