use std::time::Duration;

use lapin::{ExchangeKind, types::AMQPValue};
use serde_json::{Map, Value, json};

use super::{DelayLadder, Namespace, Topology, declaration::Queue, namespace::services_with_queues};

/// What an operator imports into a broker whose users may not declare anything
/// (<https://www.rabbitmq.com/docs/definitions>): all exchanges, queues and bindings, and what each service's user may do.
///
/// The users themselves are not included: they have passwords. Each has the name of its service.
#[derive(Clone, Copy, Debug)]
pub struct BrokerDefinitions<'a> {
    /// The prefix of all names.
    pub namespace: &'a Namespace,
    /// The virtual host.
    pub vhost: &'a str,
    /// All services, also those without events.
    pub services: &'a [&'a str],
    /// The service that has timers, and their delay levels.
    pub timers: Option<(&'a str, &'a DelayLadder)>,
    /// The delays before a failed message is retried.
    pub retry_delays: &'a [Duration],
}

impl BrokerDefinitions<'_> {
    /// Returns the definitions in RabbitMQ's format.
    pub fn to_json(&self) -> Value {
        let topology = self.topology();
        json!({
            "permissions": self.services.iter().map(|service| self.permissions(service)).collect::<Vec<_>>(),
            "topic_permissions": self
                .services
                .iter()
                .map(|service| self.topic_permissions(service))
                .collect::<Vec<_>>(),
            "exchanges": topology
                .exchanges
                .iter()
                .map(|exchange| {
                    let alternate = exchange.alternate.iter().map(|name| ("alternate-exchange".to_owned(), json!(name)));
                    json!({
                        "name": exchange.name,
                        "vhost": self.vhost,
                        "type": kind(&exchange.kind),
                        "durable": true,
                        "auto_delete": false,
                        "internal": false,
                        "arguments": alternate.collect::<Map<_, _>>(),
                    })
                })
                .collect::<Vec<_>>(),
            "queues": topology
                .queues
                .iter()
                .map(|queue| {
                    json!({
                        "name": queue.name,
                        "vhost": self.vhost,
                        "durable": true,
                        "auto_delete": false,
                        "arguments": arguments(queue),
                    })
                })
                .collect::<Vec<_>>(),
            "bindings": topology.queues.iter().flat_map(|queue| self.bindings(queue)).collect::<Vec<_>>(),
        })
    }

    fn topology(&self) -> Topology {
        let namespace = self.namespace;
        let mut topology = Topology::new(namespace);
        for service in services_with_queues() {
            let queue = namespace.service_queue(service);
            topology = topology.with_retry_queues(namespace, service, &queue, self.retry_delays);
        }
        if let Some((service, ladder)) = self.timers {
            topology = topology.with_timers(namespace, service, ladder);
            let queue = namespace.due_queue(service);
            topology = topology.with_retry_queues(namespace, service, &queue, self.retry_delays);
        }
        topology
    }

    fn bindings(&self, queue: &Queue) -> impl Iterator<Item = Value> {
        queue.bindings.iter().map(|(exchange, key)| {
            json!({
                "source": exchange,
                "vhost": self.vhost,
                "destination": queue.name,
                "destination_type": "queue",
                "routing_key": key,
                "arguments": {},
            })
        })
    }

    /// Returns what the user of a service may do: publish to the exchange of events, and to its own queues through an exchange
    /// of its own; read its own queues and the journal. It declares nothing.
    ///
    /// The names are those of exchanges and queues alike, so no exchange has the name of a queue that another may read.
    fn permissions(&self, service: &str) -> Value {
        let namespace = self.namespace;
        let (mut write, mut read) = (Vec::new(), Vec::new());
        let (publishes, consumes) = (publishes(service), services_with_queues().contains(&service));
        if publishes {
            write.push(namespace.events_exchange());
        }
        if consumes {
            write.push(namespace.copies_exchange(service));
            read.extend([namespace.service_queue(service), namespace.parked_queue(service)]);
        }
        if publishes || consumes {
            // For a recovery.
            write.push(namespace.journal_marker_exchange());
            read.push(namespace.journal());
        }
        if self.timers.is_some_and(|(owner, _)| owner == service) {
            write.push(namespace.delay_exchange());
            read.push(namespace.due_queue(service));
        }
        json!({
            "user": service,
            "vhost": self.vhost,
            "configure": any_of([]),
            "write": any_of(write),
            "read": any_of(read),
        })
    }

    /// Returns the routing keys with which the user of a service may publish events. Without such an entry it might use all.
    fn topic_permissions(&self, service: &str) -> Value {
        let own = events::ROUTES.iter().filter(|route| route.publisher == service);
        json!({
            "user": service,
            "vhost": self.vhost,
            "exchange": self.namespace.events_exchange(),
            "write": any_of(own.map(|route| route.event.to_owned())),
            "read": any_of([]),
        })
    }
}

fn publishes(service: &str) -> bool {
    events::ROUTES.iter().any(|route| route.publisher == service)
}

const fn kind(kind: &ExchangeKind) -> &'static str {
    match kind {
        ExchangeKind::Direct => "direct",
        ExchangeKind::Fanout => "fanout",
        _ => "topic",
    }
}

fn arguments(queue: &Queue) -> Map<String, Value> {
    let arguments = queue.arguments.to_table();
    let value = |value: &AMQPValue| match value {
        AMQPValue::LongLongInt(number) => json!(number),
        AMQPValue::LongString(text) => json!(text.to_string()),
        other => json!(format!("{other:?}")),
    };
    arguments
        .inner()
        .iter()
        .map(|(name, argument)| (name.to_string(), value(argument)))
        .collect()
}

/// Returns a regular expression of exactly these names; of no name at all, if there are none.
fn any_of(names: impl IntoIterator<Item = String>) -> String {
    let names: Vec<_> = names.into_iter().map(|name| name.replace('.', "\\.")).collect();
    match names.as_slice() {
        [] => "^$".to_owned(),
        names => format!("^({})$", names.join("|")),
    }
}
