use std::sync::atomic::{AtomicUsize, Ordering};

use lapin::{
    Channel,
    options::{BasicAckOptions, BasicRejectOptions},
};
use tokio::sync::mpsc;

use super::failed_messages::{Copied, FailedMessage, FailedMessages};
use crate::{Error, bus_metrics::Outcome, publishers::Publishers};

/// Settles the deliveries of one consumer: acknowledges those that were applied, and hands over the others to be copied.
pub(super) struct Settlement<'a> {
    pub(super) channel: &'a Channel,
    pub(super) publishers: &'a Publishers,
    /// Bounded by the prefetch of the channel.
    pub(super) failed: mpsc::UnboundedSender<FailedDelivery>,
    /// The number of failed deliveries that are not acknowledged yet.
    pub(super) uncopied: &'a AtomicUsize,
}

/// A delivery of which one message failed, or some messages of a batch. All others of it are committed.
pub(super) struct FailedDelivery {
    tag: u64,
    messages: Vec<FailedMessage>,
}

impl Settlement<'_> {
    /// Hands over a delivery whose `messages` failed.
    pub(super) fn fail(&self, tag: u64, messages: Vec<FailedMessage>) {
        self.uncopied.fetch_add(1, Ordering::SeqCst);
        // Without a receiver the connection is lost, and the message comes again.
        let _ = self.failed.send(FailedDelivery { tag, messages });
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

/// Copies the messages that arrive from `failed` and removes their deliveries from the queue, until the sender is dropped.
///
/// If a message cannot be copied, the broker itself parks the delivery: every queue that a service consumes dead-letters to the
/// parked queue. Then the events of a batch that were applied or copied are parked as well; they are ignored as repeated.
pub(super) async fn settle_failed(
    channel: &Channel,
    mut failed: mpsc::UnboundedReceiver<FailedDelivery>,
    uncopied: &AtomicUsize,
    mut copies: FailedMessages<'_>,
) -> Result<(), Error> {
    while let Some(FailedDelivery { tag, messages }) = failed.recv().await {
        let mut all = Copied::Yes;
        for message in &messages {
            if copies.retry_or_park(message).await? == Copied::Refused {
                copies.count(Outcome::Parked);
                all = Copied::Refused;
            }
        }
        match all {
            Copied::Yes => channel.basic_ack(tag, BasicAckOptions::default()).await?,
            Copied::Refused => channel.basic_reject(tag, BasicRejectOptions { requeue: false }).await?,
        }
        uncopied.fetch_sub(1, Ordering::SeqCst);
    }
    Ok(())
}
