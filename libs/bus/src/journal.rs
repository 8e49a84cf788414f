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
    connection::{confirming_channel, patiently},
    message::{Outgoing, PERSISTENT, short},
    topology::DEFAULT_EXCHANGE,
};

/// Messages that the broker sends ahead of their acknowledgement.
const PREFETCH: u16 = 1024;

/// The most messages that are read together.
const BATCH: usize = 256;

/// Reads the journal, a stream that keeps what anybody said (<https://www.rabbitmq.com/docs/streams>), from some moment to
/// its end as it is when reading begins.
///
/// The end is found by a mark of its own: a message that goes to the journal alone. Marks of others are skipped.
pub(crate) struct Reader {
    channel: Channel,
    deliveries: Consumer,
    queue: String,
    /// The id of the mark.
    end: String,
    ended: bool,
}

impl Reader {
    /// Begins a little before `since`, or with the oldest message that is kept.
    pub(crate) async fn open(
        connection: &Connection,
        namespace: &Namespace,
        clock: &Clock,
        since: Option<Timestamp>,
    ) -> Result<Self, Error> {
        let queue = namespace.journal();
        let channel = confirming_channel(connection).await?;
        let end = EventId::new(clock.now()).to_string();
        let mark = Outgoing {
            exchange: DEFAULT_EXCHANGE,
            key: &queue,
            properties: BasicProperties::default()
                .with_message_id(short(end.as_str()))
                .with_delivery_mode(PERSISTENT),
            body: b"",
        };
        patiently(mark.publish_confirmed(&channel)).await?;
        channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
        let from = since.map_or_else(
            || AMQPValue::LongString("first".into()),
            |since| AMQPValue::Timestamp(u64::try_from(since.seconds()).unwrap_or_default()),
        );
        let mut arguments = FieldTable::default();
        arguments.insert("x-stream-offset".into(), from);
        let options = BasicConsumeOptions::default();
        let deliveries = channel
            .basic_consume(short(queue.as_str()), "".into(), options, arguments)
            .await?;
        Ok(Self {
            channel,
            deliveries,
            queue,
            end,
            ended: false,
        })
    }

    /// The channel that it reads on; it confirms what is published.
    pub(crate) const fn channel(&self) -> &Channel {
        &self.channel
    }

    /// The next messages, in the order in which they were said; `None` at the end. The broker forgets nothing of a stream
    /// that is acknowledged: it only sends more.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Delivery>>, Error> {
        if self.ended {
            return Ok(None);
        }
        let stopped = || Error::Stopped(self.queue.clone());
        let first = patiently(async { Ok(self.deliveries.next().await) }).await?;
        let mut batch = vec![first.ok_or_else(stopped)??];
        while batch.len() < BATCH
            && let Some(more) = self.deliveries.next().now_or_never()
        {
            batch.push(more.ok_or_else(stopped)??);
        }
        if let Some(last) = batch.last() {
            let through = BasicAckOptions { multiple: true };
            self.channel.basic_ack(last.delivery_tag, through).await?;
        }
        let is_end = |delivery: &Delivery| {
            let id = delivery.properties.message_id().as_ref();
            delivery.exchange.as_str().is_empty() && id.is_some_and(|id| id.as_str() == self.end)
        };
        if let Some(end) = batch.iter().position(is_end) {
            batch.truncate(end);
            self.ended = true;
        }
        batch.retain(|delivery| !delivery.exchange.as_str().is_empty());
        Ok(Some(batch))
    }
}
