//! Event in, use case.

use std::sync::Arc;

use bus::{ConsumeError, Consumer, DelayLadder, Queue};
use events::{Envelope, Event};

use crate::{expire::ring, follow_order::follow_order};

/// What this service listens to.
pub(crate) fn consumers(delay_ladder: &DelayLadder) -> Vec<Consumer> {
    let (ladder, next) = (delay_ladder.clone(), delay_ladder.clone());
    vec![
        Consumer {
            queue: Queue::Events,
            reaction: Arc::new(move |tx, now, envelope| match &envelope.event {
                Event::OrderCreated(order)
                | Event::OrderExtended(order)
                | Event::OrderConfirmed(order)
                | Event::OrderCompleted(order)
                | Event::OrderCancelled(order)
                | Event::OrderRefunded(order)
                | Event::OrderDisputed(order) => Ok(follow_order(tx, now, order, &ladder)?),
                _ => Err(unexpected(envelope)),
            }),
        },
        Consumer {
            queue: Queue::Due,
            reaction: Arc::new(move |tx, now, envelope| match &envelope.event {
                Event::ExpirationTimer(timer) => Ok(ring(tx, now, timer.order_id, &next)?),
                _ => Err(unexpected(envelope)),
            }),
        },
    ]
}

fn unexpected(envelope: &Envelope) -> ConsumeError {
    ConsumeError::new(format_args!("{} is not for this queue", envelope.event.name()))
}
