use super::{
    ParkedMessage, Selection,
    queue::{ParkedDelivery, ParkedQueue},
};
use crate::{AmqpUrl, Error, Namespace, message::message_id};

/// Returns all parked messages in the order in which they were parked. They stay in the queue.
pub async fn list(url: &AmqpUrl, namespace: &Namespace, service: &str) -> Result<Vec<ParkedMessage>, Error> {
    let Some(mut queue) = ParkedQueue::open(url, namespace, service).await? else {
        return Ok(Vec::new());
    };
    let mut messages = Vec::new();
    while let Some(delivery) = queue.next().await? {
        messages.extend(delivery.messages.iter().map(|message| queue.to_parked_message(message)));
    }
    queue.close().await?;
    Ok(messages)
}

/// Returns the parked messages with this id: none, one, or its duplicates too. They stay in the queue.
pub async fn show(url: &AmqpUrl, namespace: &Namespace, service: &str, id: &str) -> Result<Vec<ParkedMessage>, Error> {
    let mut messages = list(url, namespace, service).await?;
    messages.retain(|message| message.id == id);
    Ok(messages)
}

/// Moves messages to the queue they were consumed from, without their failed attempts. Returns their number.
pub async fn redrive(
    url: &AmqpUrl,
    namespace: &Namespace,
    service: &str,
    selection: &Selection,
) -> Result<usize, Error> {
    remove(url, namespace, service, selection, Removal::Redrive).await
}

/// Deletes messages for good. Returns their number.
pub async fn discard(
    url: &AmqpUrl,
    namespace: &Namespace,
    service: &str,
    selection: &Selection,
) -> Result<usize, Error> {
    remove(url, namespace, service, selection, Removal::Discard).await
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Removal {
    /// A copy is published to the queue that the message was consumed from, and confirmed first.
    Redrive,
    Discard,
}

/// Removes the selected messages. Returns their number.
async fn remove(
    url: &AmqpUrl,
    namespace: &Namespace,
    service: &str,
    selection: &Selection,
    removal: Removal,
) -> Result<usize, Error> {
    let Some(mut queue) = ParkedQueue::open(url, namespace, service).await? else {
        return Ok(0);
    };
    let mut removed = 0;
    while let Some(ParkedDelivery { tag, messages }) = queue.next().await? {
        let (selected, others): (Vec<_>, Vec<_>) = messages
            .into_iter()
            .partition(|message| selection.includes(message_id(message)));
        if selected.is_empty() {
            continue;
        }
        if removal == Removal::Redrive {
            for message in &selected {
                queue.publish_to_origin(message).await?;
            }
        }
        // The other events of a batch stay, each in a message of its own.
        for message in &others {
            queue.park_again(message).await?;
        }
        queue.remove(tag).await?;
        removed += selected.len();
    }
    queue.close().await?;
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_futures_of_the_commands_are_send() {
        fn assert_send<T: Send>(_: T) {}
        let url: AmqpUrl = "amqp://localhost".parse().unwrap();
        let namespace = Namespace::default();
        assert_send(list(&url, &namespace, "order"));
        assert_send(show(&url, &namespace, "order", "id"));
        assert_send(redrive(&url, &namespace, "order", &Selection::All));
        assert_send(discard(&url, &namespace, "order", &Selection::All));
    }
}
