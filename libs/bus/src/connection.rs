use std::{future::Future, time::Duration};

use futures_util::StreamExt;
use lapin::{Channel, Connection, ConnectionProperties, Event, options::ConfirmSelectOptions};

use crate::{AmqpUrl, Error};

/// How long the broker may take to let us in, and how long to declare what we need: it takes a while for the first
/// service at a broker that is still starting.
const PATIENCE: Duration = Duration::from_secs(30);

/// Connects under a name that an operator sees in the broker.
///
/// A peer that takes the connection and then says nothing costs a sleeping thread for each attempt, until it goes away:
/// lapin cannot be interrupted in its handshake.
pub(crate) async fn connect(url: &AmqpUrl, name: &str) -> Result<Connection, Error> {
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    let unreachable = |reason: String| Error::Unreachable {
        at: url.to_string(),
        reason,
    };
    match tokio::time::timeout(PATIENCE, Connection::connect_uri(url.uri(), properties)).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(unreachable(error.to_string())),
        Err(_) => Err(unreachable(format!("no answer within {} s", PATIENCE.as_secs()))),
    }
}

/// A channel on which the broker confirms what is published.
pub(crate) async fn confirming_channel(connection: &Connection) -> Result<Channel, Error> {
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    Ok(channel)
}

/// Waits for an answer no longer than is sensible.
pub(crate) async fn patiently<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::time::timeout(PATIENCE, work)
        .await
        .unwrap_or(Err(Error::Silent(PATIENCE.as_secs())))
}

/// Resolves when the connection is lost. Create it before anything can go wrong.
pub(crate) fn loss(connection: &Connection) -> impl Future<Output = Error> {
    let mut events = Box::pin(connection.events_listener());
    async move {
        while let Some(event) = events.next().await {
            match event {
                Event::Error(error) => return error.into(),
                Event::ConnectionBlocked(reason) => {
                    tracing::warn!(reason, "the broker takes no messages for now: events wait");
                }
                Event::ConnectionUnblocked => tracing::info!("the broker takes messages again"),
                _ => {}
            }
        }
        Error::Stopped("the connection".to_owned())
    }
}

/// Says goodbye, so that the broker does not log a client that vanished; not for long, it is only manners.
pub(crate) async fn close(connection: &Connection) {
    /// AMQP 0-9-1: reply-success.
    const SUCCESS: u16 = 200;
    let goodbye = connection.close(SUCCESS, "bye".into());
    let _ = tokio::time::timeout(Duration::from_secs(1), goodbye).await;
}
