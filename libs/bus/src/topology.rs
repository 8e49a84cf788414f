use std::{collections::BTreeMap, time::Duration};

use lapin::{
    Channel, Connection, ExchangeKind,
    options::{
        ExchangeDeclareOptions, ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
    },
    types::{AMQPValue, FieldTable},
};

use crate::{DelayLadder, Error, Namespace, RETRIES, message::short, names::services};

/// The exchange that every queue is bound to by its name (AMQP 0-9-1, section 3.1.3.1).
pub(crate) const DEFAULT_EXCHANGE: &str = "";

/// All that we need of the broker. Every service declares all of it before it publishes or consumes: so an event is
/// kept for a service that has never run yet.
pub(crate) struct Topology {
    exchanges: Vec<Exchange>,
    queues: Vec<Queue>,
}

struct Exchange {
    name: String,
    kind: ExchangeKind,
    /// Where it sends what no queue is bound for.
    otherwise: Option<String>,
}

struct Queue {
    name: String,
    arguments: Arguments,
    /// Exchange and routing key.
    bindings: Vec<(String, String)>,
}

impl Topology {
    pub(crate) fn new(namespace: &Namespace, retries: &[Duration]) -> Self {
        let mut this = Self {
            exchanges: Vec::new(),
            queues: Vec::new(),
        };
        this.unroutable(namespace);
        this.services(namespace);
        this.journal(namespace);
        this.retries(namespace, retries);
        this
    }

    /// Adds the delay queues of `service`. Of all services of a namespace only one can have them: the delay exchange is
    /// shared, and each delay queue dead-letters to the due queue of its service.
    pub(crate) fn with_timers(mut self, namespace: &Namespace, service: &str, delay_ladder: &DelayLadder) -> Self {
        self.timers(namespace, service, delay_ladder);
        self
    }

    /// Everything that a service of the namespace may have declared, given the delays of its queues besides [`RETRIES`].
    pub(crate) fn for_deletion(namespace: &Namespace, delays: &[Duration]) -> Self {
        let mut this = Self::new(namespace, &[&RETRIES, delays].concat());
        for delay in delays {
            this.queue(namespace.delay(*delay), Arguments::durable(), Vec::new());
        }
        for service in services() {
            this.queue(namespace.due(service), Arguments::durable(), Vec::new());
        }
        for exchange in [namespace.delays(), namespace.other_delays()] {
            this.exchange(exchange, ExchangeKind::Direct, None);
        }
        this
    }

    fn unroutable(&mut self, namespace: &Namespace) {
        let name = namespace.unroutable();
        self.exchange(name.clone(), ExchangeKind::Fanout, None);
        self.exchange(namespace.events(), ExchangeKind::Topic, Some(name.clone()));
        self.queue(name.clone(), Arguments::durable(), vec![(name, String::new())]);
    }

    fn services(&mut self, namespace: &Namespace) {
        for service in services() {
            self.queue(namespace.parked(service), Arguments::durable(), Vec::new());
            let bindings = events::subscriptions(service)
                .map(|event| (namespace.events(), event.to_owned()))
                .collect();
            // Should the broker ever give up on a message, it parks it.
            let arguments = Arguments::durable().dead_letter_to(&namespace.parked(service));
            self.queue(namespace.service(service), arguments, bindings);
        }
    }

    /// Bound to what is known only: an event that nobody knows is unroutable as ever.
    fn journal(&mut self, namespace: &Namespace) {
        let bindings = events::ROUTES
            .iter()
            .map(|route| (namespace.events(), route.event.to_owned()))
            .collect();
        self.queue(namespace.journal(), Arguments::journal(), bindings);
    }

    fn retries(&mut self, namespace: &Namespace, retries: &[Duration]) {
        for delay in retries {
            let name = namespace.retry(*delay);
            // A fanout exchange in front leaves the routing key free to name the queue to which the message returns.
            self.exchange(name.clone(), ExchangeKind::Fanout, None);
            let arguments = Arguments::durable().ttl(*delay).dead_letter_by_its_own_key();
            self.queue(name.clone(), arguments, vec![(name, String::new())]);
        }
    }

    fn timers(&mut self, namespace: &Namespace, service: &str, delay_ladder: &DelayLadder) {
        let due = namespace.due(service);
        self.queue(
            due.clone(),
            Arguments::durable().dead_letter_to(&namespace.parked(service)),
            Vec::new(),
        );
        let other = namespace.other_delays();
        self.exchange(other.clone(), ExchangeKind::Fanout, None);
        self.exchange(namespace.delays(), ExchangeKind::Direct, Some(other.clone()));
        for level in delay_ladder.levels() {
            let mut bindings = vec![(namespace.delays(), level.as_millis().to_string())];
            if level == delay_ladder.shortest() {
                bindings.push((other.clone(), String::new()));
            }
            self.queue(
                namespace.delay(level),
                Arguments::durable().ttl(level).dead_letter_to(&due),
                bindings,
            );
        }
    }

    fn exchange(&mut self, name: String, kind: ExchangeKind, otherwise: Option<String>) {
        self.exchanges.push(Exchange { name, kind, otherwise });
    }

    fn queue(&mut self, name: String, arguments: Arguments, bindings: Vec<(String, String)>) {
        self.queues.push(Queue {
            name,
            arguments,
            bindings,
        });
    }

    /// Declares what is missing. On a channel of its own, because the broker closes the channel when something that
    /// exists is different.
    pub(crate) async fn declare(&self, connection: &Connection) -> Result<(), Error> {
        let channel = connection.create_channel().await?;
        for exchange in &self.exchanges {
            exchange
                .declare(&channel)
                .await
                .map_err(|error| Error::about(&exchange.name, error))?;
        }
        for queue in &self.queues {
            queue
                .declare(&channel)
                .await
                .map_err(|error| Error::about(&queue.name, error))?;
        }
        channel.close(200, "declared".into()).await?;
        Ok(())
    }

    /// Deletes everything, with the messages in it.
    pub(crate) async fn delete(&self, connection: &Connection) -> Result<(), Error> {
        let channel = connection.create_channel().await?;
        for queue in &self.queues {
            channel
                .queue_delete(short(queue.name.as_str()), QueueDeleteOptions::default())
                .await?;
        }
        for exchange in &self.exchanges {
            channel
                .exchange_delete(short(exchange.name.as_str()), ExchangeDeleteOptions::default())
                .await?;
        }
        channel.close(200, "deleted".into()).await?;
        Ok(())
    }
}

impl Exchange {
    async fn declare(&self, channel: &Channel) -> lapin::Result<()> {
        let mut arguments = FieldTable::default();
        if let Some(otherwise) = &self.otherwise {
            arguments.insert("alternate-exchange".into(), string(otherwise));
        }
        let options = ExchangeDeclareOptions {
            durable: true,
            ..ExchangeDeclareOptions::default()
        };
        channel
            .exchange_declare(short(self.name.as_str()), self.kind.clone(), options, arguments)
            .await
    }
}

impl Queue {
    async fn declare(&self, channel: &Channel) -> lapin::Result<()> {
        let options = QueueDeclareOptions::durable();
        channel
            .queue_declare(short(self.name.as_str()), options, self.arguments.table())
            .await?;
        for (exchange, key) in &self.bindings {
            let (name, exchange, key) = (short(self.name.as_str()), short(exchange.as_str()), short(key.as_str()));
            channel
                .queue_bind(name, exchange, key, QueueBindOptions::default(), FieldTable::default())
                .await?;
        }
        Ok(())
    }
}

/// The properties of a queue (<https://www.rabbitmq.com/docs/quorum-queues>).
struct Arguments(BTreeMap<&'static str, AMQPValue>);

/// RabbitMQ 4 drops a message that it has delivered 20 times, unless told otherwise; each loss of a connection, and each
/// look at what is parked, is a delivery. We count attempts ourselves.
const DELIVERIES: i64 = 1_000_000;

/// How long the journal keeps what was said.
const JOURNAL_AGE: &str = "6h";

/// The most that the journal takes on the broker's disk, in bytes.
const JOURNAL_BYTES: i64 = 4_000_000_000;

/// How much of it is forgotten at once, in bytes.
const JOURNAL_SEGMENT: i64 = 50_000_000;

impl Arguments {
    /// Replicated where there is more than one broker, and on the disk in any case.
    fn durable() -> Self {
        Self(BTreeMap::from([
            ("x-queue-type", string("quorum")),
            ("x-delivery-limit", AMQPValue::LongLongInt(DELIVERIES)),
        ]))
    }

    /// A stream: what is in it can be read again and again, until it is too old or too much
    /// (<https://www.rabbitmq.com/docs/streams#retention>). It is forgotten by whole segments, so these are small.
    fn journal() -> Self {
        Self(BTreeMap::from([
            ("x-queue-type", string("stream")),
            ("x-max-age", string(JOURNAL_AGE)),
            ("x-max-length-bytes", AMQPValue::LongLongInt(JOURNAL_BYTES)),
            (
                "x-stream-max-segment-size-bytes",
                AMQPValue::LongLongInt(JOURNAL_SEGMENT),
            ),
        ]))
    }

    fn ttl(mut self, delay: Duration) -> Self {
        let millis = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
        self.0.insert("x-message-ttl", AMQPValue::LongLongInt(millis));
        self
    }

    /// What the queue gives up goes to another queue, and is kept until that has confirmed it
    /// (<https://www.rabbitmq.com/docs/quorum-queues#dead-lettering>).
    fn dead_letter_to(self, queue: &str) -> Self {
        let mut this = self.dead_letter_by_its_own_key();
        this.0.insert("x-dead-letter-routing-key", string(queue));
        this
    }

    /// What the queue gives up goes to the queue that its routing key names, and is kept until that has confirmed it.
    fn dead_letter_by_its_own_key(mut self) -> Self {
        self.0.insert("x-dead-letter-exchange", string(DEFAULT_EXCHANGE));
        self.0.insert("x-dead-letter-strategy", string("at-least-once"));
        // Asked for by that strategy; there is no limit to overflow.
        self.0.insert("x-overflow", string("reject-publish"));
        self
    }

    fn table(&self) -> FieldTable {
        self.0.iter().fold(FieldTable::default(), |mut table, (name, value)| {
            table.insert((*name).into(), value.clone());
            table
        })
    }
}

fn string(text: &str) -> AMQPValue {
    AMQPValue::LongString(text.into())
}
