//! Messages that a service could not digest, and what an operator does about them.
//!
//! Nothing but [`redrive`] and [`discard`] takes a message out of the queue, and not before it is safe elsewhere or was
//! named by somebody.

use std::{fmt, str::FromStr};

use lapin::{
    Channel, Connection,
    message::Delivery,
    options::{BasicAckOptions, BasicGetOptions, BasicNackOptions},
};
use values::{Clock, Timestamp};

use crate::{
    AmqpUrl, Error, Namespace,
    connection::{close, confirming_channel, connect},
    failure::{Failure, unfailed},
    message::{Outgoing, short},
    names::services,
    topology::DEFAULT_EXCHANGE,
};

/// A parked message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parked {
    /// Names it; what delivered it twice can have parked two of the same.
    pub id: String,
    /// The event's type, as the message says; empty if it does not.
    pub event_type: String,
    /// The aggregate that it is about, if it can be read.
    pub subject: Option<String>,
    /// Why the last attempt failed.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u32,
    /// The queue where it failed.
    pub queue: String,
    /// When the first attempt failed.
    pub first_failed_at: Option<Timestamp>,
    /// Since when it is parked.
    pub parked_at: Option<Timestamp>,
    /// The message itself; what is not UTF-8 is replaced.
    pub body: String,
}

/// Which parked messages are meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Selection {
    /// All of them.
    All,
    /// Those with this id.
    Id(String),
}

impl Selection {
    fn takes(&self, id: &str) -> bool {
        match self {
            Self::All => true,
            Self::Id(wanted) => wanted == id,
        }
    }
}

/// A selection of nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be the id of a message, or all")]
pub struct MalformedSelection;

impl FromStr for Selection {
    type Err = MalformedSelection;

    fn from_str(text: &str) -> Result<Self, MalformedSelection> {
        match text {
            "" => Err(MalformedSelection),
            "all" => Ok(Self::All),
            id => Ok(Self::Id(id.to_owned())),
        }
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "all",
            Self::Id(id) => id,
        })
    }
}

/// What is parked, in the order in which it came. The messages stay where they are.
pub async fn list(url: &AmqpUrl, namespace: &Namespace, service: &str) -> Result<Vec<Parked>, Error> {
    let Some(mut lot) = Lot::open(url, namespace, service).await? else {
        return Ok(Vec::new());
    };
    let mut parked = Vec::new();
    while let Some(delivery) = lot.next().await? {
        parked.push(lot.describe(&delivery));
    }
    lot.leave().await?;
    Ok(parked)
}

/// The parked messages with this id: none, or one, or its doubles too. They stay where they are.
pub async fn show(url: &AmqpUrl, namespace: &Namespace, service: &str, id: &str) -> Result<Vec<Parked>, Error> {
    let mut parked = list(url, namespace, service).await?;
    parked.retain(|parked| parked.id == id);
    Ok(parked)
}

/// Gives messages back to the queue where they failed, as if they had never been tried. Returns how many.
pub async fn redrive(url: &AmqpUrl, namespace: &Namespace, service: &str, which: &Selection) -> Result<usize, Error> {
    let Some(mut lot) = Lot::open(url, namespace, service).await? else {
        return Ok(0);
    };
    let mut redriven = 0;
    while let Some(delivery) = lot.next().await? {
        if which.takes(id(&delivery)) {
            lot.give_back(&delivery).await?;
            lot.take_out(&delivery).await?;
            redriven += 1;
        }
    }
    lot.leave().await?;
    Ok(redriven)
}

/// Deletes messages for good. Returns how many.
pub async fn discard(url: &AmqpUrl, namespace: &Namespace, service: &str, which: &Selection) -> Result<usize, Error> {
    let Some(mut lot) = Lot::open(url, namespace, service).await? else {
        return Ok(0);
    };
    let mut discarded = 0;
    while let Some(delivery) = lot.next().await? {
        if which.takes(id(&delivery)) {
            lot.take_out(&delivery).await?;
            discarded += 1;
        }
    }
    lot.leave().await?;
    Ok(discarded)
}

/// A look into a service's parked messages. What is not taken out goes back when the connection closes, however it does.
struct Lot {
    connection: Connection,
    channel: Channel,
    /// The queue of parked messages.
    name: String,
    /// The queues from which messages may have come; the first is the usual one.
    origins: Vec<String>,
    /// How many of those that were there at the first look are still to be seen.
    left: Option<u32>,
}

impl Lot {
    /// `None` for a service that consumes nothing: nothing of it can be parked.
    async fn open(url: &AmqpUrl, namespace: &Namespace, service: &str) -> Result<Option<Self>, Error> {
        let Some(service) = services().into_iter().find(|known| *known == service) else {
            return Ok(None);
        };
        let origins = vec![namespace.service(service), namespace.due(service)];
        let name = namespace.parked(service);
        let connection = connect(url, &name).await?;
        let channel = confirming_channel(&connection).await?;
        Ok(Some(Self {
            connection,
            channel,
            name,
            origins,
            left: None,
        }))
    }

    /// The next message. What is parked after the first look is not ours to see: a redriven message that fails again
    /// would go round for ever.
    async fn next(&mut self) -> Result<Option<Delivery>, Error> {
        if self.left == Some(0) {
            return Ok(None);
        }
        let message = self
            .channel
            .basic_get(short(self.name.as_str()), BasicGetOptions::default())
            .await
            .map_err(|error| Error::about(&self.name, error))?;
        Ok(message.map(|message| {
            self.left = Some(self.left.map_or(message.message_count, |left| left - 1));
            message.delivery
        }))
    }

    /// Gives a copy back to the queue where the message failed, as if it had never been tried.
    async fn give_back(&self, delivery: &Delivery) -> Result<(), Error> {
        let properties = unfailed(delivery, Clock::system().now());
        let key = self.queue_of(delivery);
        Outgoing {
            exchange: DEFAULT_EXCHANGE,
            key: &key,
            properties,
            body: &delivery.data,
        }
        .publish_confirmed(&self.channel)
        .await
    }

    async fn take_out(&self, delivery: &Delivery) -> Result<(), Error> {
        Ok(self
            .channel
            .basic_ack(delivery.delivery_tag, BasicAckOptions::default())
            .await?)
    }

    /// Puts back what was only looked at.
    async fn leave(self) -> Result<(), Error> {
        /// AMQP 0-9-1, basic.nack: zero with `multiple` means all outstanding messages.
        const ALL: u64 = 0;
        self.channel
            .basic_nack(
                ALL,
                BasicNackOptions {
                    multiple: true,
                    requeue: true,
                },
            )
            .await?;
        // Waits for the broker to have done it.
        self.channel.close(200, "seen".into()).await?;
        close(&self.connection).await;
        Ok(())
    }

    fn describe(&self, delivery: &Delivery) -> Parked {
        let Failure {
            attempts,
            reason,
            first_failed_at,
            parked_at,
            ..
        } = Failure::of(delivery);
        Parked {
            id: id(delivery).to_owned(),
            event_type: delivery
                .properties
                .kind()
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            subject: events::Envelope::parse(&delivery.data)
                .ok()
                .map(|envelope| envelope.subject),
            reason,
            attempts,
            queue: self.queue_of(delivery),
            first_failed_at,
            parked_at,
            body: String::from_utf8_lossy(&delivery.data).into_owned(),
        }
    }

    /// Where a message came from.
    fn queue_of(&self, delivery: &Delivery) -> String {
        let named = Failure::of(delivery).queue.filter(|named| self.origins.contains(named));
        named.or_else(|| self.origins.first().cloned()).unwrap_or_default()
    }
}

fn id(delivery: &Delivery) -> &str {
    delivery.properties.message_id().as_ref().map_or("", |id| id.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_is_an_id_or_all() {
        assert_eq!("all".parse(), Ok(Selection::All));
        assert_eq!("01936f5e".parse(), Ok(Selection::Id("01936f5e".to_owned())));
        assert_eq!("".parse::<Selection>(), Err(MalformedSelection));
    }

    #[test]
    fn an_operators_calls_can_move_between_threads() {
        fn can_move<T: Send>(_: T) {}
        let url: AmqpUrl = "amqp://localhost".parse().unwrap();
        let namespace = Namespace::default();
        can_move(list(&url, &namespace, "order"));
        can_move(show(&url, &namespace, "order", "id"));
        can_move(redrive(&url, &namespace, "order", &Selection::All));
        can_move(discard(&url, &namespace, "order", &Selection::All));
    }
}
