use std::sync::Arc;

use bus::{Consumer, Queue};
use token::DenyList;

/// Adds what auth revokes to the deny list: it is stored in the transaction in which its event is consumed. The handlers
/// of the service receive the other events.
///
/// A denial is added to the list before the commit. If that fails, the event is delivered again.
pub(crate) fn consume_revocations(consumers: Vec<Consumer>, denied: &DenyList) -> Vec<Consumer> {
    let add = |consumer: Consumer| {
        if consumer.queue != Queue::Events {
            return consumer;
        }
        let (handler, denied) = (consumer.handler, denied.clone());
        Consumer {
            queue: consumer.queue,
            handler: Arc::new(move |tx, now, envelope| match revocation::denial(&envelope.event) {
                Some(denial) => {
                    revocation::store(tx, now, &denial)?;
                    denied.add(denial, now);
                    Ok(())
                }
                None => handler(tx, now, envelope),
            }),
        }
    };
    consumers.into_iter().map(add).collect()
}
