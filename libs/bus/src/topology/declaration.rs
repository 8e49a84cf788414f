use std::time::Duration;

use lapin::{
    Channel, Connection, ExchangeKind,
    options::{
        ExchangeDeclareOptions, ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
    },
    types::FieldTable,
};

use super::{
    DelayLadder, Namespace,
    namespace::services_with_queues,
    queue_arguments::{QueueArguments, long_string},
};
use crate::{Error, message::short_string};

/// The exchanges and queues that a service declares before it publishes or consumes.
///
/// Every service declares the queues of all services, so that events are stored for a service that has never run.
#[derive(Default)]
pub(crate) struct Topology {
    pub(super) exchanges: Vec<Exchange>,
    pub(super) queues: Vec<Queue>,
}

pub(super) struct Exchange {
    pub(super) name: String,
    pub(super) kind: ExchangeKind,
    /// Receives the messages that no queue is bound for.
    pub(super) alternate: Option<String>,
}

pub(super) struct Queue {
    pub(super) name: String,
    pub(super) arguments: QueueArguments,
    /// Exchange and routing key.
    pub(super) bindings: Vec<(String, String)>,
    /// A service works without it, until an operator has imported the definitions of its release.
    pub(super) is_optional: bool,
}

impl Topology {
    /// Returns what all services share.
    pub(crate) fn new(namespace: &Namespace) -> Self {
        let mut this = Self::default();
        this.add_events_exchange(namespace);
        this.add_service_queues(namespace);
        this.add_journal(namespace);
        this
    }

    /// Adds the queues in which failed messages of `queue` wait for a retry. Only the consumer of `queue` publishes to them.
    pub(crate) fn with_retry_queues(
        mut self,
        namespace: &Namespace,
        service: &str,
        queue: &str,
        retry_delays: &[Duration],
    ) -> Self {
        for delay in retry_delays {
            let arguments = QueueArguments::durable().ttl(*delay).dead_letter_to(queue);
            let name = Namespace::retry_queue(queue, *delay);
            self.add_own_queue(namespace, service, name, arguments, Vec::new());
        }
        self
    }

    /// Adds the delay queues of `service`.
    ///
    /// Only one service of a namespace can have them: the delay exchange is shared, and each delay queue dead-letters to
    /// the due queue of its service.
    pub(crate) fn with_timers(mut self, namespace: &Namespace, service: &str, delay_ladder: &DelayLadder) -> Self {
        let due = namespace.due_queue(service);
        let arguments = QueueArguments::durable().dead_letter_to(&namespace.parked_queue(service));
        self.add_own_queue(namespace, service, due.clone(), arguments, Vec::new());
        let fallback = namespace.fallback_delay_exchange();
        self.add_exchange(fallback.clone(), ExchangeKind::Fanout, None);
        self.add_exchange(namespace.delay_exchange(), ExchangeKind::Direct, Some(fallback.clone()));
        for level in delay_ladder.levels() {
            let mut bindings = vec![(namespace.delay_exchange(), level.as_millis().to_string())];
            if level == delay_ladder.fallback() {
                bindings.push((fallback.clone(), String::new()));
            }
            let arguments = QueueArguments::durable().ttl(level).dead_letter_to(&due);
            self.queues.push(Queue {
                name: namespace.delay_queue(level),
                arguments,
                bindings,
                // Timers take the fallback level instead.
                is_optional: level < delay_ladder.fallback(),
            });
        }
        self
    }

    /// Returns everything that the services of the namespace can have declared. Only for [`Topology::delete`].
    ///
    /// `delays` are the retry delays and the delay levels.
    pub(crate) fn for_deletion(namespace: &Namespace, delays: &[Duration]) -> Self {
        let mut this = Self::new(namespace);
        for delay in delays {
            this.add_queue(namespace.delay_queue(*delay), QueueArguments::durable(), Vec::new());
            // Those of earlier releases.
            let shared = namespace.shared_retry(*delay);
            this.add_exchange(shared.clone(), ExchangeKind::Fanout, None);
            this.add_queue(shared, QueueArguments::durable(), Vec::new());
        }
        for service in services_with_queues() {
            this.add_queue(namespace.due_queue(service), QueueArguments::durable(), Vec::new());
            for queue in [namespace.service_queue(service), namespace.due_queue(service)] {
                this = this.with_retry_queues(namespace, service, &queue, delays);
            }
        }
        for exchange in [namespace.delay_exchange(), namespace.fallback_delay_exchange()] {
            this.add_exchange(exchange, ExchangeKind::Direct, None);
        }
        this
    }

    fn add_events_exchange(&mut self, namespace: &Namespace) {
        let unroutable = namespace.unroutable();
        self.add_exchange(unroutable.clone(), ExchangeKind::Fanout, None);
        self.add_exchange(
            namespace.events_exchange(),
            ExchangeKind::Topic,
            Some(unroutable.clone()),
        );
        let bindings = vec![(unroutable.clone(), String::new())];
        self.add_queue(unroutable, QueueArguments::durable(), bindings);
    }

    fn add_service_queues(&mut self, namespace: &Namespace) {
        for service in services_with_queues() {
            self.add_exchange(namespace.copies_exchange(service), ExchangeKind::Direct, None);
            let parked = namespace.parked_queue(service);
            self.add_own_queue(
                namespace,
                service,
                parked.clone(),
                QueueArguments::durable(),
                Vec::new(),
            );
            let bindings = events::subscriptions(service)
                .map(|event| (namespace.events_exchange(), event.to_owned()))
                .collect();
            // A message that reaches the delivery limit is parked.
            let arguments = QueueArguments::durable().dead_letter_to(&parked);
            self.add_own_queue(
                namespace,
                service,
                namespace.service_queue(service),
                arguments,
                bindings,
            );
        }
    }

    /// Binds the journal to known types only, so that an event of an unknown type is still unroutable.
    fn add_journal(&mut self, namespace: &Namespace) {
        let markers = namespace.journal_marker_exchange();
        self.add_exchange(markers.clone(), ExchangeKind::Fanout, None);
        let events = events::ROUTES
            .iter()
            .map(|route| (namespace.events_exchange(), route.event.to_owned()));
        let bindings = events.chain([(markers, String::new())]).collect();
        self.add_queue(namespace.journal(), QueueArguments::journal(), bindings);
    }

    fn add_exchange(&mut self, name: String, kind: ExchangeKind, alternate: Option<String>) {
        self.exchanges.push(Exchange { name, kind, alternate });
    }

    /// Adds a queue that `service` publishes to.
    fn add_own_queue(
        &mut self,
        namespace: &Namespace,
        service: &str,
        name: String,
        arguments: QueueArguments,
        mut bindings: Vec<(String, String)>,
    ) {
        bindings.push((namespace.copies_exchange(service), name.clone()));
        self.add_queue(name, arguments, bindings);
    }

    fn add_queue(&mut self, name: String, arguments: QueueArguments, bindings: Vec<(String, String)>) {
        self.queues.push(Queue {
            name,
            arguments,
            bindings,
            is_optional: false,
        });
    }

    /// Declares all exchanges and queues. It uses its own channel, because the broker closes the channel if one exists
    /// with other properties.
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

    /// Checks that all exchanges and the necessary queues exist, which needs no permission. It uses its own channel, because
    /// the broker closes the channel if one does not.
    pub(crate) async fn check(&self, connection: &Connection) -> Result<(), Error> {
        let channel = connection.create_channel().await?;
        for exchange in &self.exchanges {
            let options = ExchangeDeclareOptions {
                passive: true,
                ..ExchangeDeclareOptions::default()
            };
            let name = short_string(exchange.name.as_str());
            let found = channel.exchange_declare(name, exchange.kind.clone(), options, FieldTable::default());
            found.await.map_err(|error| Error::about(&exchange.name, error))?;
        }
        for queue in self.queues.iter().filter(|queue| !queue.is_optional) {
            let options = QueueDeclareOptions {
                passive: true,
                ..QueueDeclareOptions::default()
            };
            let found = channel.queue_declare(short_string(queue.name.as_str()), options, FieldTable::default());
            found.await.map_err(|error| Error::about(&queue.name, error))?;
        }
        channel.close(200, "checked".into()).await?;
        Ok(())
    }

    /// Deletes all queues and exchanges that exist, with their messages.
    pub(crate) async fn delete(&self, connection: &Connection) -> Result<(), Error> {
        let channel = connection.create_channel().await?;
        for queue in &self.queues {
            channel
                .queue_delete(short_string(queue.name.as_str()), QueueDeleteOptions::default())
                .await?;
        }
        for exchange in &self.exchanges {
            channel
                .exchange_delete(short_string(exchange.name.as_str()), ExchangeDeleteOptions::default())
                .await?;
        }
        channel.close(200, "deleted".into()).await?;
        Ok(())
    }
}

impl Exchange {
    async fn declare(&self, channel: &Channel) -> lapin::Result<()> {
        let mut arguments = FieldTable::default();
        if let Some(alternate) = &self.alternate {
            arguments.insert("alternate-exchange".into(), long_string(alternate));
        }
        let options = ExchangeDeclareOptions {
            durable: true,
            ..ExchangeDeclareOptions::default()
        };
        channel
            .exchange_declare(short_string(self.name.as_str()), self.kind.clone(), options, arguments)
            .await
    }
}

impl Queue {
    async fn declare(&self, channel: &Channel) -> lapin::Result<()> {
        let options = QueueDeclareOptions::durable();
        channel
            .queue_declare(short_string(self.name.as_str()), options, self.arguments.to_table())
            .await?;
        for (exchange, key) in &self.bindings {
            let [name, exchange, key] = [&self.name, exchange, key].map(|text| short_string(text.as_str()));
            channel
                .queue_bind(name, exchange, key, QueueBindOptions::default(), FieldTable::default())
                .await?;
        }
        Ok(())
    }
}
