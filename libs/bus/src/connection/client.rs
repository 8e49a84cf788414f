use std::{future::Future, time::Duration};

use futures_util::StreamExt;
use lapin::{Channel, Connection, ConnectionProperties, Event, options::ConfirmSelectOptions};

use crate::{AmqpUrl, Error};

/// Bounds a connection attempt and the declaration of the queues. The first service at a starting broker needs long.
const BROKER_TIMEOUT: Duration = Duration::from_secs(30);

/// Bounds the closing handshake.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Connects under a name that the broker displays.
///
/// A peer that accepts the connection and then sends nothing costs one sleeping thread for each attempt, until it closes
/// the connection: lapin's handshake cannot be interrupted.
pub(crate) async fn connect(url: &AmqpUrl, name: &str) -> Result<Connection, Error> {
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    let unreachable = |reason: String| Error::Unreachable {
        url: url.to_string(),
        reason,
    };
    match tokio::time::timeout(BROKER_TIMEOUT, Connection::connect_uri(url.uri(), properties)).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(unreachable(error.to_string())),
        Err(_) => Err(unreachable(format!(
            "no response within {} s",
            BROKER_TIMEOUT.as_secs()
        ))),
    }
}

/// Opens a channel with publisher confirms.
pub(crate) async fn confirming_channel(connection: &Connection) -> Result<Channel, Error> {
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    Ok(channel)
}

/// Fails with [`Error::Timeout`] if the broker does not respond.
pub(crate) async fn with_timeout<T>(operation: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::time::timeout(BROKER_TIMEOUT, operation)
        .await
        .unwrap_or(Err(Error::Timeout(BROKER_TIMEOUT.as_secs())))
}

/// Resolves when the connection is lost. Call it before the first operation, so that no loss is missed.
pub(crate) fn connection_loss(connection: &Connection) -> impl Future<Output = Error> {
    let mut events = Box::pin(connection.events_listener());
    async move {
        while let Some(event) = events.next().await {
            match event {
                Event::Error(error) => return error.into(),
                Event::ConnectionBlocked(reason) => {
                    tracing::warn!(reason, "broker blocks publishing, events stay in the outbox");
                }
                Event::ConnectionUnblocked => tracing::info!("broker accepts messages again"),
                _ => {}
            }
        }
        Error::Closed("the connection".to_owned())
    }
}

/// Closes the connection, so that the broker does not log a lost client.
pub(crate) async fn close(connection: &Connection) {
    /// AMQP 0-9-1: reply-success.
    const SUCCESS: u16 = 200;
    let closing = connection.close(SUCCESS, "bye".into());
    let _ = tokio::time::timeout(CLOSE_TIMEOUT, closing).await;
}
