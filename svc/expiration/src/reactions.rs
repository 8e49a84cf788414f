//! Event in, use case.

use std::sync::Arc;

use bus::{ConsumeError, Consumer, DelayLadder, Queue};
use events::Envelope;

use crate::{expire::ring, follow_order::follow_order};

/// What this service listens to.
pub(crate) fn consumers(delay_ladder: &DelayLadder) -> Vec<Consumer> {
    let (ladder, next) = (delay_ladder.clone(), delay_ladder.clone());
    vec![
        Consumer {
            queue: Queue::Events,
            handler: Arc::new(move |tx, now, envelope| match envelope.event.as_order() {
                Some(order) => Ok(follow_order(tx, now, order, &ladder)?),
                None => Err(unexpected(envelope)),
            }),
        },
        Consumer {
            queue: Queue::Timers,
            handler: Arc::new(move |tx, now, envelope| match envelope.event.as_timer() {
                Some(timer) => Ok(ring(tx, now, timer.order_id, &next)?),
                None => Err(unexpected(envelope)),
            }),
        },
    ]
}

fn unexpected(envelope: &Envelope) -> ConsumeError {
    ConsumeError::new(format_args!("{} is not for this queue", envelope.event.name()))
}
