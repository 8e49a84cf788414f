use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};
use values::{EventId, Timestamp};

use crate::{Event, ROUTES, Route, examples};

/// Returns the [AsyncAPI 3](https://www.asyncapi.com/docs/reference/specification/v3.0.0) document of all events: their
/// publishers, consumers and schemas.
pub fn asyncapi() -> Value {
    let mut schemas = Schemas::new();
    let (mut channels, mut operations, mut messages) = (Map::new(), Map::new(), Map::new());
    for event in examples::events() {
        let name = camel_case(event.name());
        let data = schemas.add_payload(&event);
        messages.insert(name.clone(), message(&event, &data));
        match ROUTES.iter().find(|route| route.event == event.name()) {
            Some(route) => add_route(route, &name, &mut channels, &mut operations),
            None => add_timer(&event, &name, &mut channels, &mut operations),
        }
    }
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Ticketing events",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The events that the services publish over RabbitMQ. Each message is a CloudEvents 1.0 envelope \
                in structured JSON; its data is the whole state of an aggregate with its version. A message can be \
                delivered twice, late or in another order: keep the highest version. A message of the type \
                `application/cloudevents-batch+json` has up to 64 envelopes of one event type in a JSON array. All names \
                in the broker begin with the namespace of the marketplace, which is `ticketing` unless configured otherwise.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": channels,
        "operations": operations,
        "components": {"schemas": schemas.definitions(), "messages": messages},
    })
}

/// Adds an event that the exchange routes to the queue of each consumer.
fn add_route(route: &Route, name: &str, channels: &mut Map<String, Value>, operations: &mut Map<String, Value>) {
    let channel = json!({
        "address": route.event,
        "description": route.meaning,
        "messages": {name: {"$ref": format!("#/components/messages/{name}")}},
        "bindings": {"amqp": {
            "is": "routingKey",
            "exchange": {"name": "ticketing.events", "type": "topic", "durable": true, "autoDelete": false},
        }},
    });
    channels.insert(name.to_owned(), channel);
    operations.insert(
        format!("{}.sends.{name}", route.publisher),
        operation("send", name, route.meaning, route.publisher),
    );
    for consumer in route.consumers {
        operations.insert(
            format!("{consumer}.receives.{name}"),
            operation("receive", name, route.meaning, consumer),
        );
    }
}

/// Adds the message that the expiration service sends to itself, through the delay queues.
fn add_timer(event: &Event, name: &str, channels: &mut Map<String, Value>, operations: &mut Map<String, Value>) {
    debug_assert!(event.as_timer().is_some());
    let channel = json!({
        "address": "ticketing.expiration.due",
        "description": event.meaning(),
        "messages": {name: {"$ref": format!("#/components/messages/{name}")}},
        "bindings": {"amqp": {
            "is": "queue",
            "queue": {"name": "ticketing.expiration.due", "durable": true, "exclusive": false, "autoDelete": false},
        }},
    });
    channels.insert(name.to_owned(), channel);
    for (verb, action) in [("sends", "send"), ("receives", "receive")] {
        operations.insert(
            format!("expiration.{verb}.{name}"),
            operation(action, name, event.meaning(), "expiration"),
        );
    }
}

fn operation(action: &str, channel: &str, summary: &str, service: &str) -> Value {
    json!({
        "action": action,
        "channel": {"$ref": format!("#/channels/{channel}")},
        "summary": summary,
        "tags": [{"name": service}],
    })
}

fn message(event: &Event, data: &str) -> Value {
    let text = |description: &str| json!({"type": "string", "description": description});
    let mut subject = text("The aggregate's id.");
    if event.subject().parse::<EventId>().is_ok() {
        subject["format"] = json!("uuid");
    }
    json!({
        "name": event.name(),
        "contentType": "application/cloudevents+json",
        "payload": {
            "type": "object",
            "required": ["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data"],
            "properties": {
                "specversion": {"const": "1.0"},
                "id": {"type": "string", "format": "uuid", "description": "The message's id; a redelivery has the same."},
                "source": text("The service that publishes it."),
                "type": {"const": event.name()},
                "subject": subject,
                "time": {"type": "string", "format": "date-time", "description": "When the event happened."},
                "datacontenttype": {"const": "application/json"},
                "traceparent": text("W3C trace context of the cause."),
                "data": {"$ref": format!("#/components/schemas/{data}")},
            },
        },
        "examples": [{"payload": example(event)}],
    })
}

/// Returns a whole message with a fixed id and time, so that the document does not change between generations.
fn example(event: &Event) -> Value {
    let route = ROUTES.iter().find(|route| route.event == event.name());
    let service = route.map_or("expiration", |route| route.publisher);
    let mut envelope = crate::Envelope::new(service, Timestamp::from_millis(1_811_878_200_000), event.clone());
    if let Ok(id) = "01936f5e-8c1a-7c3e-9d2b-4f6a8b0c2d4e".parse::<EventId>() {
        envelope.id = id;
    }
    serde_json::to_value(&envelope).unwrap_or_default()
}

/// Returns the name of a message in the document: `paymentRefundFailed` for `ticketing.payment.refund-failed.v1`.
///
/// A second version would be `orderCreatedV2`.
fn camel_case(event: &str) -> String {
    let words = event
        .trim_start_matches("ticketing.")
        .trim_end_matches(".v1")
        .split(['.', '-']);
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    words
        .enumerate()
        .map(|(index, word)| if index == 0 { word.to_owned() } else { capital(word) })
        .collect()
}

/// The schemas of the payloads, in JSON Schema draft 7, which is AsyncAPI's own.
struct Schemas(SchemaGenerator);

impl Schemas {
    fn new() -> Self {
        let settings = SchemaSettings::draft07().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        });
        Self(settings.into_generator())
    }

    /// Adds the schema of an event's payload and returns its name.
    fn add_payload(&mut self, event: &Event) -> String {
        let schema = event.payload_schema(&mut self.0);
        let reference = schema.get("$ref").and_then(Value::as_str).unwrap_or_default();
        reference.rsplit('/').next().unwrap_or_default().to_owned()
    }

    fn definitions(mut self) -> Map<String, Value> {
        self.0.take_definitions(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_every_event_with_its_publisher_and_consumers() {
        let document = asyncapi();
        for route in ROUTES {
            let name = camel_case(route.event);
            assert_eq!(document["components"]["messages"][&name]["name"], route.event);
            assert_eq!(
                document["operations"][format!("{}.sends.{name}", route.publisher)]["action"],
                "send"
            );
            for consumer in route.consumers {
                assert_eq!(
                    document["operations"][format!("{consumer}.receives.{name}")]["action"],
                    "receive"
                );
            }
        }
        for schema in ["Order", "Ticket", "Payment", "Expiration", "Timer", "Money"] {
            assert!(document["components"]["schemas"][schema].is_object(), "{schema}");
        }
    }
}
