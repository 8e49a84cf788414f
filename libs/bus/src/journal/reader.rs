use futures_util::{FutureExt, StreamExt};
use lapin::{
    BasicProperties, Channel, Connection, Consumer,
    message::Delivery,
    options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions},
    types::{AMQPValue, FieldTable},
};
use values::{Clock, EventId, Timestamp};

use crate::{
    Error, Namespace,
    connection::{ConsumingConnection, confirming_channel, with_timeout},
    message::{OutgoingMessage, PERSISTENT, short_string},
    publishers::Publishers,
    topology::DEFAULT_EXCHANGE,
};

/// The number of messages that the broker sends ahead of their acknowledgement.
const PREFETCH: u16 = 512;

/// The maximum number of messages that are returned at once.
const MAX_MESSAGES: usize = 256;

/// The size of the messages in bytes above which no further one is returned at once: a message can have many events.
const MAX_BYTES: usize = 512 * 1024;

/// Reads the journal (<https://www.rabbitmq.com/docs/streams>) from a point in time to its end at the start of the reading.
///
/// The end is marked by a message that the reader publishes to the journal only. Markers of other readers are skipped.
pub(super) struct JournalReader {
    channel: Channel,
    deliveries: Consumer,
    queue: String,
    marker_exchange: String,
    end_marker_id: String,
    ended: bool,
}

impl JournalReader {
    /// Starts a little before `since`, or at the oldest message.
    pub(super) async fn open(
        consuming: &ConsumingConnection,
        publishing: &Connection,
        publishers: &Publishers,
        namespace: &Namespace,
        clock: &Clock,
        since: Option<Timestamp>,
    ) -> Result<Self, Error> {
        let queue = namespace.journal();
        let end_marker_id = EventId::new(clock.now()).to_string();
        let marker_exchange = namespace.journal_marker_exchange();
        let end_marker = OutgoingMessage {
            exchange: &marker_exchange,
            routing_key: "",
            properties: BasicProperties::default()
                .with_user_id(publishers.user_id())
                .with_message_id(short_string(end_marker_id.as_str()))
                .with_delivery_mode(PERSISTENT),
            body: b"",
        };
        let marking = async {
            let channel = confirming_channel(publishing).await?;
            end_marker.publish_confirmed(&channel).await?;
            Ok(channel.close(200, "marked".into()).await?)
        };
        with_timeout(marking).await?;
        let channel = consuming.open_channel().await?;
        channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
        let offset = since.map_or_else(
            || AMQPValue::LongString("first".into()),
            |since| AMQPValue::Timestamp(u64::try_from(since.seconds()).unwrap_or_default()),
        );
        let mut arguments = FieldTable::default();
        arguments.insert("x-stream-offset".into(), offset);
        let options = BasicConsumeOptions::default();
        let deliveries = channel
            .basic_consume(short_string(queue.as_str()), "".into(), options, arguments)
            .await?;
        Ok(Self {
            channel,
            deliveries,
            queue,
            marker_exchange,
            end_marker_id,
            ended: false,
        })
    }

    /// Returns the next messages in the order in which they were published, or `None` at the end.
    ///
    /// Acknowledging messages of a stream does not remove them: it makes the broker send more.
    pub(super) async fn next_messages(&mut self) -> Result<Option<Vec<Delivery>>, Error> {
        if self.ended {
            return Ok(None);
        }
        let closed = || Error::Closed(self.queue.clone());
        let first = with_timeout(async { Ok(self.deliveries.next().await) }).await?;
        let first = first.ok_or_else(closed)??;
        let mut bytes = first.data.len();
        let mut messages = vec![first];
        while messages.len() < MAX_MESSAGES
            && bytes < MAX_BYTES
            && let Some(more) = self.deliveries.next().now_or_never()
        {
            let more = more.ok_or_else(closed)??;
            bytes += more.data.len();
            messages.push(more);
        }
        if let Some(last) = messages.last() {
            let options = BasicAckOptions { multiple: true };
            self.channel.basic_ack(last.delivery_tag, options).await?;
        }
        if let Some(end) = messages
            .iter()
            .position(|delivery| self.is_end_marker(delivery) && self.has_own_id(delivery))
        {
            messages.truncate(end);
            self.ended = true;
        }
        messages.retain(|delivery| !self.is_end_marker(delivery));
        Ok(Some(messages))
    }

    fn has_own_id(&self, marker: &Delivery) -> bool {
        let id = marker.properties.message_id().as_ref();
        id.is_some_and(|id| id.as_str() == self.end_marker_id)
    }

    /// Whether the message was published to the journal only: by releases up to 0.1 through the default exchange.
    fn is_end_marker(&self, delivery: &Delivery) -> bool {
        [DEFAULT_EXCHANGE, &self.marker_exchange].contains(&delivery.exchange.as_str())
    }
}
