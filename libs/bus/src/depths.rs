use std::time::Duration;

use lapin::{Channel, Connection, options::QueueDeclareOptions, types::FieldTable};

use crate::{
    Namespace,
    consumer::Subscriber,
    message::short,
    meters::{self, Meters},
};

/// How often the broker is asked.
const EVERY: Duration = Duration::from_secs(15);

/// Asks the broker again and again how much is in the queues of `service`, for as long as it is polled.
///
/// It is only for knowing: whatever goes wrong here ends the asking until the next connection, and nothing else.
pub(crate) async fn watch_depths(
    connection: &Connection,
    namespace: &Namespace,
    service: &'static str,
    subscribers: &[Subscriber],
    meters: &Meters,
) {
    if !subscribers.is_empty()
        && let Ok(channel) = connection.create_channel().await
    {
        let mut queues: Vec<_> = subscribers
            .iter()
            .map(|subscriber| (meters::name(subscriber.kind), subscriber.queue.clone()))
            .collect();
        queues.push(("parked", namespace.parked(service)));
        while ask(&channel, &queues, meters).await.is_ok() {
            tokio::time::sleep(EVERY).await;
        }
        meters.forget_depths();
    }
    std::future::pending::<()>().await;
}

async fn ask(channel: &Channel, queues: &[(&'static str, String)], meters: &Meters) -> lapin::Result<()> {
    let passive = QueueDeclareOptions {
        passive: true,
        ..QueueDeclareOptions::default()
    };
    for (label, queue) in queues {
        let declared = channel
            .queue_declare(short(queue.as_str()), passive, FieldTable::default())
            .await?;
        meters.depth(label, declared.message_count());
    }
    Ok(())
}
