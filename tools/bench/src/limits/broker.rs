use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, future::try_join};
use lapin::{
    BasicProperties, Confirmation, Connection, ConnectionProperties,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
        QueueDeclareOptions, QueueDeleteOptions,
    },
    types::{AMQPValue, FieldTable},
};

use crate::{BenchResult, statistics::float};

/// The name of the queue.
const QUEUE: &str = "bench-limit";

/// The size of a message: that of an event.
const MESSAGE_BYTES: usize = 600;

/// Messages that are published and not confirmed: as many as the relay of a service allows.
const IN_FLIGHT: usize = 256;

/// Messages that are acknowledged at once: as many as a consumer takes in a batch.
const BATCH: u16 = 64;

/// Returns the number of messages per second that pass through one durable quorum queue: published with confirms,
/// consumed and acknowledged in batches.
///
/// # Errors
///
/// A broker that is not reachable.
pub async fn events_per_second(broker: &str, duration: Duration) -> BenchResult<f64> {
    let publisher = Connection::connect(broker, ConnectionProperties::default()).await?;
    let consumer = Connection::connect(broker, ConnectionProperties::default()).await?;
    let (publishing, consuming) = (publisher.create_channel().await?, consumer.create_channel().await?);
    publishing.confirm_select(ConfirmSelectOptions::default()).await?;
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    let durable = QueueDeclareOptions {
        durable: true,
        ..QueueDeclareOptions::default()
    };
    consuming.queue_declare(QUEUE.into(), durable, arguments).await?;
    consuming.basic_qos(BATCH * 4, BasicQosOptions::default()).await?;
    let mut deliveries = consuming
        .basic_consume(
            QUEUE.into(),
            "".into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        )
        .await?;
    let start = Instant::now();
    let (sent, all_sent) = (std::cell::Cell::new(0_u64), std::cell::Cell::new(false));
    let publisher_ended = tokio::sync::Notify::new();
    let publish = async {
        let (body, persistent) = (
            vec![b'x'; MESSAGE_BYTES],
            BasicProperties::default().with_delivery_mode(2),
        );
        let mut confirms = VecDeque::new();
        while start.elapsed() < duration || !confirms.is_empty() {
            if start.elapsed() < duration && confirms.len() < IN_FLIGHT {
                let confirm = publishing
                    .basic_publish(
                        "".into(),
                        QUEUE.into(),
                        BasicPublishOptions::default(),
                        &body,
                        persistent.clone(),
                    )
                    .await?;
                sent.set(sent.get() + 1);
                confirms.push_back(confirm);
            } else if let Some(confirm) = confirms.pop_front()
                && !matches!(confirm.await?, Confirmation::Ack(_))
            {
                return Err("the broker refused a message".into());
            }
        }
        all_sent.set(true);
        publisher_ended.notify_one();
        BenchResult::Ok(())
    };
    let consume = async {
        let mut received = 0_u64;
        while !all_sent.get() || received < sent.get() {
            // The last message may arrive before its confirm, which ends the publisher: then there is no next one.
            let delivery = tokio::select! {
                delivery = deliveries.next() => delivery.ok_or("the consumer was cancelled")??,
                () = publisher_ended.notified() => continue,
            };
            received += 1;
            if received.is_multiple_of(u64::from(BATCH)) || (all_sent.get() && received == sent.get()) {
                delivery.acker.ack(BasicAckOptions { multiple: true }).await?;
            }
        }
        BenchResult::Ok(received)
    };
    let ((), received) = try_join(publish, consume).await?;
    let rate = float(received) / start.elapsed().as_secs_f64();
    consuming
        .queue_delete(QUEUE.into(), QueueDeleteOptions::default())
        .await?;
    publisher.close(200, "done".into()).await?;
    consumer.close(200, "done".into()).await?;
    Ok(rate)
}
