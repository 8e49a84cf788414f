use std::time::Duration;

use lapin::{Channel, Connection, options::QueueDeclareOptions, types::FieldTable};

use super::QueueConsumer;
use crate::{Namespace, bus_metrics::BusMetrics, message::short_string};

/// The time between two queries of the broker.
const INTERVAL: Duration = Duration::from_secs(15);

/// Queries the number of messages in the queues of `service` until it is dropped.
///
/// An error ends the queries until the next connection. It affects nothing else.
pub(crate) async fn collect_queue_depths(
    connection: &Connection,
    namespace: &Namespace,
    service: &'static str,
    consumers: &[QueueConsumer],
    metrics: &BusMetrics,
) {
    if !consumers.is_empty()
        && let Ok(channel) = connection.create_channel().await
    {
        let mut queues: Vec<_> = consumers
            .iter()
            .map(|consumer| (consumer.queue.label(), consumer.queue_name.clone()))
            .collect();
        queues.push(("parked", namespace.parked_queue(service)));
        while query_depths(&channel, &queues, metrics).await.is_ok() {
            tokio::time::sleep(INTERVAL).await;
        }
        metrics.clear_queue_depths();
    }
    std::future::pending::<()>().await;
}

async fn query_depths(channel: &Channel, queues: &[(&'static str, String)], metrics: &BusMetrics) -> lapin::Result<()> {
    let passive = QueueDeclareOptions {
        passive: true,
        ..QueueDeclareOptions::default()
    };
    for (label, queue) in queues {
        let declared = channel
            .queue_declare(short_string(queue.as_str()), passive, FieldTable::default())
            .await?;
        metrics.set_queue_depth(label, declared.message_count());
    }
    Ok(())
}
