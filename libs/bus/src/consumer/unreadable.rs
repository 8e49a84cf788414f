use futures_util::future::join;
use lapin::{
    Channel, Connection,
    options::{BasicGetOptions, BasicNackOptions},
};

use super::queue_consumer::PREFETCH;
use crate::{
    AmqpUrl, Error,
    connection::{Purpose, close, connect, or_loss, with_timeout},
    message::short_string,
};

/// Parks the messages at the front of `queue` that cannot be received: their headers exceed a frame because the broker has
/// added to them, or they are malformed for the client library. They would close every connection that receives them.
///
/// Reads as many messages as a consumer is sent ahead; all others return to the queue in their order. Call it while nothing
/// consumes the queue.
pub(crate) async fn park_unreadable(url: &AmqpUrl, queue: &str) -> Result<(), Error> {
    loop {
        let connection = connect(url, &format!("{queue} (screening)"), Purpose::Receiving).await?;
        let readable = with_timeout(count_readable(&connection, queue)).await;
        close(&connection).await;
        let Readable::Before(position) = readable? else {
            return Ok(());
        };
        tracing::error!(
            queue,
            position,
            "message cannot be received, parking it without its reason"
        );
        let connection = connect(url, &format!("{queue} (screening)"), Purpose::Receiving).await?;
        let parked = with_timeout(reject_at(&connection, queue, position)).await;
        close(&connection).await;
        parked?;
    }
}

/// The readable messages at the front of a queue.
enum Readable {
    /// All.
    All,
    /// Those before the one at this position, counted from zero.
    Before(u16),
}

async fn count_readable(connection: &Connection, queue: &str) -> Result<Readable, Error> {
    let channel = connection.create_channel().await?;
    for position in 0..PREFETCH {
        match take(connection, &channel, queue).await {
            Ok(true) => {}
            Ok(false) => return Ok(Readable::All),
            Err(error) if error.is_unreadable_message() => return Ok(Readable::Before(position)),
            Err(error) => return Err(error),
        }
    }
    Ok(Readable::All)
}

/// Rejects the message at `position` without receiving it: its delivery tag follows from its position, and the rejection is
/// sent before the message arrives. The queue dead-letters it to the parked queue. If the message can be received, nothing
/// is lost either.
async fn reject_at(connection: &Connection, queue: &str, position: u16) -> Result<(), Error> {
    let channel = connection.create_channel().await?;
    for _ in 0..position {
        take(connection, &channel, queue).await?;
    }
    let options = BasicNackOptions {
        requeue: false,
        ..BasicNackOptions::default()
    };
    let rejection = async {
        channel.basic_nack(u64::from(position) + 1, options).await?;
        // Sent after the rejection: when it has failed or succeeded, the rejection was sent.
        Ok::<_, Error>(channel.close(200, "screened".into()).await?)
    };
    match join(take(connection, &channel, queue), rejection).await {
        (Err(error), _) | (_, Err(error)) if !error.is_unreadable_message() => Err(error),
        _ => Ok(()),
    }
}

/// Takes a message without acknowledging it. Returns false if there is none.
async fn take(connection: &Connection, channel: &Channel, queue: &str) -> Result<bool, Error> {
    let message = channel.basic_get(short_string(queue), BasicGetOptions::default());
    Ok(or_loss(connection, message).await?.is_some())
}
