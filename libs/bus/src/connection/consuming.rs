use std::{
    sync::{Mutex, PoisonError},
    thread,
};

use lapin::{Channel, Connection};

use super::close;
use crate::Error;

/// A connection whose channels consume. It keeps them until the thread of the connection has ended.
///
/// lapin 4.12.3 drops the consumers of a lost connection while it holds their lock. If a consumer is then the last owner of its
/// channel, it waits for the state of the channel; and the thread of the connection, which may be receiving a message for that
/// channel, holds the state and waits for the consumers. Both wait for ever, and so does a thread of the runtime.
pub(crate) struct ConsumingConnection {
    connection: Connection,
    channels: Mutex<Vec<Channel>>,
}

impl ConsumingConnection {
    pub(crate) const fn new(connection: Connection) -> Self {
        Self {
            connection,
            channels: Mutex::new(Vec::new()),
        }
    }

    /// For channels that do not consume, and for events.
    pub(crate) const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Opens a channel that may consume.
    pub(crate) async fn open_channel(&self) -> Result<Channel, Error> {
        let channel = self.connection.create_channel().await?;
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        channels.push(channel.clone());
        Ok(channel)
    }

    /// Closes the connection, so that the broker does not log a lost client.
    pub(crate) async fn close(self) {
        close(&self.connection).await;
        let channels = self.channels.into_inner().unwrap_or_else(PoisonError::into_inner);
        let connection = self.connection;
        // Without a thread, both are dropped here.
        let _ = thread::Builder::new().name("closing".to_owned()).spawn(move || {
            let _ = connection.run();
            drop(channels);
        });
    }
}
