//! What an operator, or a test, does with a broker as a whole.

use std::time::Duration;

use crate::{
    AmqpUrl, DelayLadder, Error, Namespace, RETRIES,
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
/// Queues that delay have the delay in their name: `delays` are those of the namespace's services that are not the usual
/// ones, be it the order window or between attempts.
pub async fn delete_namespace(url: &AmqpUrl, namespace: &Namespace, delays: &[Duration]) -> Result<(), Error> {
    let connection = connect(url, "delete").await?;
    let deleted = patiently(async {
        Topology::new(namespace, &DelayLadder::new(Duration::from_mins(15)), &RETRIES)
            .delete(&connection)
            .await?;
        for delay in delays {
            Topology::of_delays(namespace, *delay).delete(&connection).await?;
        }
        Ok(())
    })
    .await;
    close(&connection).await;
    deleted
}
