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
        let readable = with_timeout(screen(&connection, queue)).await;
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
#[derive(PartialEq, Eq, Debug)]
enum Readable {
    /// All.
    All,
    /// Those before the one at this position, counted from zero.
    Before(u16),
}

async fn screen(connection: &Connection, queue: &str) -> Result<Readable, Error> {
    let channel = connection.create_channel().await?;
    count_readable(connection, &channel, queue).await
}

/// Receives one message after the other. Only an error of the connection about what it received makes a message unreadable:
/// a connection can be lost at any message.
async fn count_readable(connection: &Connection, channel: &Channel, queue: &str) -> Result<Readable, Error> {
    let mut position = 0;
    let screening = async {
        while position < PREFETCH && take(channel, queue).await? {
            position += 1;
        }
        Ok(())
    };
    match or_loss(connection, screening).await {
        Ok(()) => Ok(Readable::All),
        Err(error) if error.is_unreadable_message() => Ok(Readable::Before(position)),
        Err(error) => Err(error),
    }
}

/// Rejects the message at `position` without receiving it: its delivery tag follows from its position, and the rejection is
/// sent before the message arrives. The queue dead-letters it to the parked queue. If the message can be received, nothing
/// is lost either.
async fn reject_at(connection: &Connection, queue: &str, position: u16) -> Result<(), Error> {
    let channel = connection.create_channel().await?;
    for _ in 0..position {
        if !or_loss(connection, take(&channel, queue)).await? {
            return Ok(());
        }
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
    match join(or_loss(connection, take(&channel, queue)), rejection).await {
        // Its arrival has closed the connection, and so ended the closing of the channel.
        (Err(error), _) if error.is_unreadable_message() => Ok(()),
        (taken, rejected) => taken.and(rejected),
    }
}

/// Takes a message without acknowledging it. Returns false if there is none.
async fn take(channel: &Channel, queue: &str) -> Result<bool, Error> {
    let message = channel.basic_get(short_string(queue), BasicGetOptions::default());
    Ok(message.await?.is_some())
}

#[cfg(test)]
mod tests {
    use lapin::{
        BasicProperties,
        options::{BasicPublishOptions, QueueDeclareOptions, QueueDeleteOptions},
        types::FieldTable,
    };
    use values::{Clock, EventId};

    use super::*;
    use crate::connection::confirming_channel;

    #[expect(clippy::disallowed_methods, reason = "a test's configuration")]
    fn broker_url() -> AmqpUrl {
        let url = std::env::var("AMQP_URL").unwrap_or_else(|_| "amqp://guest:guest@127.0.0.1:5672/%2f".to_owned());
        url.parse().unwrap()
    }

    async fn open(url: &AmqpUrl) -> (Connection, Channel) {
        let connection = connect(url, "test", Purpose::Receiving).await.unwrap();
        let channel = confirming_channel(&connection).await.unwrap();
        (connection, channel)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_connection_that_is_lost_between_two_messages_makes_neither_unreadable() {
        let url = broker_url();
        let queue = format!("test-{}", EventId::new(Clock::system().now()));
        let (_publishing, publisher) = open(&url).await;
        let declared = publisher.queue_declare(
            short_string(queue.as_str()),
            QueueDeclareOptions::durable(),
            FieldTable::default(),
        );
        declared.await.unwrap();
        for _ in 0..2 {
            let options = BasicPublishOptions::default();
            let properties = BasicProperties::default();
            let confirm = publisher.basic_publish("".into(), short_string(queue.as_str()), options, b"{}", properties);
            confirm.await.unwrap().await.unwrap();
        }

        let (connection, channel) = open(&url).await;
        assert!(take(&channel, &queue).await.unwrap());
        close(&connection).await;
        let lost = count_readable(&connection, &channel, &queue).await;
        assert!(lost.as_ref().is_err_and(Error::is_closed_state), "{lost:?}");

        let (connection, channel) = open(&url).await;
        let readable = count_readable(&connection, &channel, &queue).await;
        assert_eq!(readable.unwrap(), Readable::All);
        close(&connection).await;
        let deletion = publisher.queue_delete(short_string(queue.as_str()), QueueDeleteOptions::default());
        deletion.await.unwrap();
    }
}
