use std::sync::atomic::{AtomicUsize, Ordering};

use lapin::{
    Channel,
    message::Delivery,
    options::{BasicAckOptions, BasicRejectOptions},
};
use tokio::sync::mpsc;

use super::failed_messages::{Copied, FailedMessage, FailedMessages};
use crate::{Error, bus_metrics::Outcome, publishers::Publishers};

/// Settles the messages of one consumer: acknowledges those that were applied, and hands over the others to be copied.
pub(super) struct Settlement<'a> {
    pub(super) channel: &'a Channel,
    pub(super) publishers: &'a Publishers,
    /// Bounded by the prefetch of the channel.
    pub(super) failed: mpsc::UnboundedSender<FailedMessage>,
    /// The number of failed messages that are not acknowledged yet.
    pub(super) uncopied: &'a AtomicUsize,
}

impl Settlement<'_> {
    /// Hands over a message that failed.
    pub(super) fn fail(&self, delivery: Delivery, reason: String, is_retryable: bool) {
        self.uncopied.fetch_add(1, Ordering::SeqCst);
        // Without a receiver the connection is lost, and the message comes again.
        let _ = self.failed.send(FailedMessage {
            delivery,
            reason,
            is_retryable,
        });
    }

    /// Acknowledges `tags`. If they are `all` unacknowledged tags up to the last one, one frame is enough.
    pub(super) async fn acknowledge(&self, tags: &[u64], all: bool) -> Result<(), Error> {
        match tags {
            [.., last] if all && self.uncopied.load(Ordering::SeqCst) == 0 => {
                let options = BasicAckOptions { multiple: true };
                self.channel.basic_ack(*last, options).await?;
            }
            _ => {
                for tag in tags {
                    self.channel.basic_ack(*tag, BasicAckOptions::default()).await?;
                }
            }
        }
        Ok(())
    }
}

/// Copies the messages that arrive from `failed` and removes them from their queue, until the sender is dropped.
///
/// If a message cannot be copied, the broker itself parks it: every queue that a service consumes dead-letters to the parked
/// queue.
pub(super) async fn settle_failed(
    channel: &Channel,
    mut failed: mpsc::UnboundedReceiver<FailedMessage>,
    uncopied: &AtomicUsize,
    mut copies: FailedMessages<'_>,
) -> Result<(), Error> {
    while let Some(message) = failed.recv().await {
        let tag = message.delivery.delivery_tag;
        match copies.retry_or_park(&message).await? {
            Copied::Yes => channel.basic_ack(tag, BasicAckOptions::default()).await?,
            Copied::Refused => {
                channel.basic_reject(tag, BasicRejectOptions { requeue: false }).await?;
                copies.count(Outcome::Parked);
            }
        }
        uncopied.fetch_sub(1, Ordering::SeqCst);
    }
    Ok(())
}
