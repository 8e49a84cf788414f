//! What an operator, or a test, does with a broker as a whole.

use std::time::Duration;

use crate::{
    AmqpUrl, Error, Namespace,
    connection::{close, connect, patiently},
    topology::Topology,
};

/// Whether the broker lets us in.
pub async fn ping(url: &AmqpUrl) -> Result<(), Error> {
    let connection = connect(url, "ping").await?;
    close(&connection).await;
    Ok(())
}

/// Deletes all queues and exchanges of a namespace, with the messages in them: for tests.
///
/// Retry queues and delay queues have their delay in their name. `delays` are the delay levels of the namespace's timers,
/// and retry delays other than [`RETRIES`].
pub async fn delete_namespace(url: &AmqpUrl, namespace: &Namespace, delays: &[Duration]) -> Result<(), Error> {
    let connection = connect(url, "delete").await?;
    let deleted = patiently(async { Topology::for_deletion(namespace, delays).delete(&connection).await }).await;
    close(&connection).await;
    deleted
}
