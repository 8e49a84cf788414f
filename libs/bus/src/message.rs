use lapin::{
    BasicProperties, Channel, Confirmation, PublisherConfirm,
    options::BasicPublishOptions,
    types::{AMQPValue, FieldTable, ShortString},
};

use crate::Error;

/// [CloudEvents AMQP binding](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/amqp-protocol-binding.md),
/// structured mode.
pub(crate) const CONTENT_TYPE: &str = "application/cloudevents+json";

/// The header of a [W3C trace context](https://www.w3.org/TR/trace-context/).
pub(crate) const TRACEPARENT: &str = "traceparent";

/// AMQP 0-9-1: a message with this delivery mode survives a restart of the broker.
pub(crate) const PERSISTENT: u8 = 2;

/// A name for the broker. AMQP cuts names off at 255 bytes; all of ours are far shorter, and so is what RabbitMQ itself
/// hands us.
pub(crate) fn short(text: impl Into<String>) -> ShortString {
    ShortString::try_new(text).unwrap_or_default()
}

/// A header's text.
pub(crate) fn text(headers: &FieldTable, name: &str) -> Option<String> {
    match headers.inner().get(name)? {
        AMQPValue::LongString(text) => Some(text.to_string()),
        AMQPValue::ShortString(text) => Some(text.to_string()),
        _ => None,
    }
}

/// A message on its way to the broker.
pub(crate) struct Outgoing<'a> {
    pub(crate) exchange: &'a str,
    pub(crate) key: &'a str,
    pub(crate) properties: BasicProperties,
    pub(crate) body: &'a [u8],
}

impl Outgoing<'_> {
    /// Hands the message to the connection; the confirm tells when the broker has it. The message itself is handed over
    /// when the future is first polled.
    pub(crate) async fn publish(self, channel: &Channel) -> lapin::Result<PublisherConfirm> {
        let options = BasicPublishOptions::default();
        channel
            .basic_publish(
                short(self.exchange),
                short(self.key),
                options,
                self.body,
                self.properties,
            )
            .await
    }

    /// Publishes the message and waits until a queue has it. Only for channels on which nothing else is being published:
    /// a message that comes back is told from others by its turn.
    pub(crate) async fn publish_confirmed(self, channel: &Channel) -> Result<(), Error> {
        let options = BasicPublishOptions {
            mandatory: true,
            ..BasicPublishOptions::default()
        };
        let confirm = channel
            .basic_publish(
                short(self.exchange),
                short(self.key),
                options,
                self.body,
                self.properties,
            )
            .await?;
        match confirm.await? {
            Confirmation::Ack(None) => Ok(()),
            Confirmation::Ack(Some(_)) | Confirmation::Nack(_) | Confirmation::NotRequested => Err(Error::Refused(
                if self.exchange.is_empty() {
                    self.key
                } else {
                    self.exchange
                }
                .to_owned(),
            )),
        }
    }
}
