//! Tries at a broker what each service's user may not do.

use std::{fs, path::Path};

use events::ROUTES;
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties, ErrorKind,
    options::{BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, QueueBindOptions, QueueDeclareOptions},
    types::FieldTable,
};
use serde::Deserialize;

use crate::{DrillError, SERVICES};

/// AMQP 0-9-1: access-refused.
const ACCESS_REFUSED: u16 = 403;

/// The names in the definitions of a broker.
#[derive(Debug, Deserialize)]
struct Definitions {
    exchanges: Vec<Name>,
    queues: Vec<Name>,
}

#[derive(Debug, Deserialize)]
struct Name {
    name: String,
}

/// What was tried.
#[derive(Debug, Default)]
pub struct Trespass {
    /// The number of attempts.
    pub attempts: usize,
    /// The attempts that the broker did not refuse.
    pub permitted: Vec<String>,
}

/// Publishes with the routing keys of other services and to their queues, reads and binds their queues, and declares, as
/// the user of each service. A broker with permissions refuses each attempt, so nothing changes.
///
/// `passwords` has a file `amqp-<service>` for each user, and `definitions` the names of all exchanges and queues.
pub async fn trespass(broker: &str, passwords: &Path, definitions: &Path) -> Result<Trespass, DrillError> {
    let read = |path: &Path| fs::read_to_string(path).map_err(|error| DrillError::file(path, &error));
    let names: Definitions = serde_json::from_str(&read(definitions)?).map_err(DrillError::new)?;
    let mut outcome = Trespass::default();
    for service in SERVICES {
        let password = read(&passwords.join(format!("amqp-{service}")))?;
        let url = format!("amqp://{service}:{}@{broker}/%2f", password.trim());
        let properties = ConnectionProperties::default();
        let intruder = Intruder {
            connection: Connection::connect(&url, properties).await.map_err(DrillError::new)?,
            service,
        };
        intruder.try_everything(&names, &mut outcome).await?;
        let closing = intruder.connection.close(200, "bye".into());
        closing.await.map_err(DrillError::new)?;
    }
    Ok(outcome)
}

struct Intruder {
    connection: Connection,
    service: &'static str,
}

impl Intruder {
    async fn try_everything(&self, names: &Definitions, outcome: &mut Trespass) -> Result<(), DrillError> {
        let exchange_named = |end: &str| names.exchanges.iter().find(|exchange| exchange.name.ends_with(end));
        let events = exchange_named(".events").map_or("", |exchange| exchange.name.as_str());
        for route in ROUTES.iter().filter(|route| route.publisher != self.service) {
            let published = self.publish(events, route.event).await?;
            self.record(outcome, &format!("publishes {}", route.event), published);
        }
        for Name { name: queue } in &names.queues {
            let published = self.publish("", queue).await?;
            self.record(outcome, &format!("publishes to {queue}"), published);
            // Deleting needs the same permission, but would do harm if it succeeded.
            let declared = self.declare(queue).await?;
            self.record(outcome, &format!("declares {queue}"), declared);
            let bound = self.bind(queue, events).await?;
            self.record(outcome, &format!("binds {queue}"), bound);
            if !self.reads(queue) {
                let got = self.get(queue).await?;
                self.record(outcome, &format!("reads {queue}"), got);
            }
            for Name { name: exchange } in &names.exchanges {
                if exchange.ends_with(".copies") && !exchange.ends_with(&format!(".{}.copies", self.service)) {
                    let published = self.publish(exchange, queue).await?;
                    self.record(outcome, &format!("publishes to {queue} through {exchange}"), published);
                }
            }
        }
        let declared = self.declare(&format!("trespass-{}", self.service)).await?;
        self.record(outcome, "declares a queue", declared);
        Ok(())
    }

    /// Whether the service may read a queue: its own, and the journal.
    fn reads(&self, queue: &str) -> bool {
        let own = ["", ".parked", ".due"].map(|end| format!(".{}{end}", self.service));
        own.iter().any(|own| queue.ends_with(own)) || queue.ends_with(".journal")
    }

    fn record(&self, outcome: &mut Trespass, what: &str, attempt: lapin::Result<()>) {
        outcome.attempts += 1;
        let is_refused = attempt.is_err_and(|error| match error.kind() {
            ErrorKind::ProtocolError(reply) => reply.get_id() == ACCESS_REFUSED,
            _ => false,
        });
        if !is_refused {
            outcome.permitted.push(format!("{} {what}", self.service));
        }
    }

    /// The broker closes the channel of each refused attempt.
    async fn channel(&self) -> Result<Channel, DrillError> {
        let channel = self.connection.create_channel().await.map_err(DrillError::new)?;
        let confirms = channel.confirm_select(ConfirmSelectOptions::default());
        confirms.await.map_err(DrillError::new)?;
        Ok(channel)
    }

    async fn publish(&self, exchange: &str, key: &str) -> Result<lapin::Result<()>, DrillError> {
        let (channel, options) = (self.channel().await?, BasicPublishOptions::default());
        let properties = BasicProperties::default().with_user_id(self.service.into());
        let publishing = channel.basic_publish(exchange.into(), key.into(), options, b"{}", properties);
        let published = match publishing.await {
            Ok(confirm) => confirm.await.map(|_| ()),
            Err(error) => Err(error),
        };
        Ok(closed(&channel, published).await)
    }

    async fn get(&self, queue: &str) -> Result<lapin::Result<()>, DrillError> {
        let channel = self.channel().await?;
        let got = channel.basic_get(queue.into(), BasicGetOptions::default()).await;
        Ok(closed(&channel, got.map(|_| ())).await)
    }

    async fn bind(&self, queue: &str, exchange: &str) -> Result<lapin::Result<()>, DrillError> {
        let (channel, options) = (self.channel().await?, QueueBindOptions::default());
        let none = FieldTable::default();
        let bound = channel.queue_bind(queue.into(), exchange.into(), "trespass".into(), options, none);
        let bound = bound.await;
        Ok(closed(&channel, bound).await)
    }

    async fn declare(&self, queue: &str) -> Result<lapin::Result<()>, DrillError> {
        let options = QueueDeclareOptions {
            exclusive: true,
            ..QueueDeclareOptions::default()
        };
        let channel = self.channel().await?;
        let declared = channel.queue_declare(queue.into(), options, FieldTable::default());
        let declared = declared.await.map(|_| ());
        Ok(closed(&channel, declared).await)
    }
}

/// Closes the channel of an attempt that succeeded.
async fn closed(channel: &Channel, attempt: lapin::Result<()>) -> lapin::Result<()> {
    attempt?;
    channel.close(200, "not refused".into()).await
}
