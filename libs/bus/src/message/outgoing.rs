use lapin::{BasicProperties, Channel, Confirmation, PublisherConfirm, options::BasicPublishOptions};

use super::short_string;
use crate::Error;

/// A message to be published.
pub(crate) struct OutgoingMessage<'a> {
    pub(crate) exchange: &'a str,
    pub(crate) routing_key: &'a str,
    pub(crate) properties: BasicProperties,
    pub(crate) body: &'a [u8],
}

impl OutgoingMessage<'_> {
    /// Sends the message. The returned confirm resolves when the broker has stored it.
    ///
    /// The message is handed to the connection when the future is first polled.
    pub(crate) async fn publish(self, channel: &Channel) -> lapin::Result<PublisherConfirm> {
        self.send(channel, BasicPublishOptions::default()).await
    }

    /// Publishes the message and waits until a queue has it.
    ///
    /// Use a channel on which nothing else is being published: lapin assigns a returned message to a publish by order.
    pub(crate) async fn publish_confirmed(self, channel: &Channel) -> Result<(), Error> {
        let options = BasicPublishOptions {
            mandatory: true,
            ..BasicPublishOptions::default()
        };
        let destination = if self.exchange.is_empty() {
            self.routing_key
        } else {
            self.exchange
        };
        match self.send(channel, options).await?.await? {
            Confirmation::Ack(None) => Ok(()),
            Confirmation::Ack(Some(_)) | Confirmation::Nack(_) | Confirmation::NotRequested => {
                Err(Error::NotConfirmed(destination.to_owned()))
            }
        }
    }

    async fn send(self, channel: &Channel, options: BasicPublishOptions) -> lapin::Result<PublisherConfirm> {
        channel
            .basic_publish(
                short_string(self.exchange),
                short_string(self.routing_key),
                options,
                self.body,
                self.properties,
            )
            .await
    }
}
