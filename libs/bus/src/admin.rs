//! Operations on the broker as a whole, for operators and tests.

use std::time::Duration;

use crate::{
    AmqpUrl, Error, Namespace, RETRY_DELAYS,
    connection::{Purpose, close, connect, with_timeout},
    topology::Topology,
};

/// Connects to the broker and closes the connection.
pub async fn ping(url: &AmqpUrl) -> Result<(), Error> {
    let connection = connect(url, "ping", Purpose::Publishing).await?;
    close(&connection).await;
    Ok(())
}

/// Deletes all queues and exchanges of a namespace, with the messages in them: for tests.
///
/// Retry queues and delay queues have their delay in their name. `delays` are the delay levels of the namespace's timers,
/// and retry delays other than [`RETRY_DELAYS`].
pub async fn delete_namespace(url: &AmqpUrl, namespace: &Namespace, delays: &[Duration]) -> Result<(), Error> {
    let connection = connect(url, "delete", Purpose::Publishing).await?;
    let topology = Topology::for_deletion(namespace, &[&RETRY_DELAYS, delays].concat());
    let deleted = with_timeout(topology.delete(&connection)).await;
    close(&connection).await;
    deleted
}
