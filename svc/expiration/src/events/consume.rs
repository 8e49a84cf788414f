use std::sync::Arc;

use bus::{ConsumeError, Consumer, DelayLadder, Queue};
use events::Envelope;

use crate::use_cases::{process_timer, track_order};

/// Returns the consumers of the orders' events and of the service's timers.
pub(crate) fn consumers(delay_ladder: &DelayLadder) -> Vec<Consumer> {
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
                Some(timer) => Ok(process_timer(tx, now, timer.order_id, &for_timers)?),
                None => Err(unexpected_event(envelope)),
            }),
        },
    ]
}

fn unexpected_event(envelope: &Envelope) -> ConsumeError {
    ConsumeError::new(format_args!("unexpected event type {}", envelope.event.name()))
}
