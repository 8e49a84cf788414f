use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};
use values::{EventId, Timestamp};

use crate::{Event, Expiration, Order, Payment, ROUTES, Refund, Reversal, Route, Ticket, Timer, examples::examples};

/// The [AsyncAPI 3](https://www.asyncapi.com/docs/reference/specification/v3.0.0) document of [`ROUTES`]: who says what
/// to whom, and how it looks.
pub fn asyncapi() -> Value {
    let mut schemas = Schemas::new();
    let (mut channels, mut operations, mut messages) = (Map::new(), Map::new(), Map::new());
    for event in examples() {
        let name = camel_case(event.name());
        let data = schemas.of(&event);
        messages.insert(name.clone(), message(&event, &data));
        match ROUTES.iter().find(|route| route.event == event.name()) {
            Some(route) => travels(route, &name, &mut channels, &mut operations),
            None => waits(&event, &name, &mut channels, &mut operations),
        }
    }
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Ticketing events",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What the services tell each other over RabbitMQ. Each message is a CloudEvents 1.0 envelope \
                in structured JSON; its data is the whole state of an aggregate with its version. A message can come \
                twice, late or in another order: keep the highest version. All names in the broker begin with the \
                namespace of the marketplace, which is `ticketing` unless configured otherwise.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": channels,
        "operations": operations,
        "components": {"schemas": schemas.definitions(), "messages": messages},
    })
}

/// An event that goes through the exchange to the queue of each service that wants it.
fn travels(route: &Route, name: &str, channels: &mut Map<String, Value>, operations: &mut Map<String, Value>) {
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
        format!("{}.sends.{name}", route.from),
        operation("send", name, route.meaning, route.from),
    );
    for to in route.to {
        operations.insert(
            format!("{to}.receives.{name}"),
            operation("receive", name, route.meaning, to),
        );
    }
}

/// A message that the expiration service sends to itself, through the queues that delay.
fn waits(event: &Event, name: &str, channels: &mut Map<String, Value>, operations: &mut Map<String, Value>) {
    const MEANING: &str = "A timer rides the delay queues until the order's deadline, then drops out here.";
    let channel = json!({
        "address": "ticketing.expiration.due",
        "description": MEANING,
        "messages": {name: {"$ref": format!("#/components/messages/{name}")}},
        "bindings": {"amqp": {
            "is": "queue",
            "queue": {"name": "ticketing.expiration.due", "durable": true, "exclusive": false, "autoDelete": false},
        }},
    });
    debug_assert!(matches!(event, Event::ExpirationTimer(_)));
    channels.insert(name.to_owned(), channel);
    for (verb, action) in [("sends", "send"), ("receives", "receive")] {
        operations.insert(
            format!("expiration.{verb}.{name}"),
            operation(action, name, MEANING, "expiration"),
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
    json!({
        "name": event.name(),
        "contentType": "application/cloudevents+json",
        "payload": {
            "type": "object",
            "required": ["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data"],
            "properties": {
                "specversion": {"const": "1.0"},
                "id": {"type": "string", "format": "uuid", "description": "Names this message; a redelivery carries the same."},
                "source": text("The service that says it."),
                "type": {"const": event.name()},
                "subject": {"type": "string", "format": "uuid", "description": "The aggregate's id."},
                "time": {"type": "string", "format": "date-time", "description": "When it happened."},
                "datacontenttype": {"const": "application/json"},
                "traceparent": text("W3C trace context of what caused it."),
                "data": {"$ref": format!("#/components/schemas/{data}")},
            },
        },
        "examples": [{"payload": example(event)}],
    })
}

/// The message as it travels, with an id and a time that stay the same from one generation to the next.
fn example(event: &Event) -> Value {
    let service = event.name().split('.').nth(1).unwrap_or_default();
    let mut envelope = crate::Envelope::new(service, Timestamp::from_millis(1_811_878_200_000), event.clone());
    if let Ok(id) = "01936f5e-8c1a-7c3e-9d2b-4f6a8b0c2d4e".parse::<EventId>() {
        envelope.id = id;
    }
    serde_json::to_value(&envelope).unwrap_or_default()
}

/// `ticketing.payment.refund-failed.v1` is `paymentRefundFailed`; a second version will be `orderCreatedV2`.
fn camel_case(event: &str) -> String {
    let words = event
        .trim_start_matches("ticketing.")
        .trim_end_matches(".v1")
        .split(['.', '-']);
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    words
        .enumerate()
        .map(|(at, word)| if at == 0 { word.to_owned() } else { capital(word) })
        .collect()
}

/// The shapes of the events' data, in JSON Schema draft 7, which is AsyncAPI's own.
struct Schemas(SchemaGenerator);

impl Schemas {
    fn new() -> Self {
        let settings = SchemaSettings::draft07().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        });
        Self(settings.into_generator())
    }

    /// The name of the schema of an event's data.
    fn of(&mut self, event: &Event) -> String {
        let schema = match event {
            Event::TicketCreated(_) | Event::TicketUpdated(_) => self.0.subschema_for::<Ticket>(),
            Event::OrderCreated(_)
            | Event::OrderExtended(_)
            | Event::OrderConfirmed(_)
            | Event::OrderCompleted(_)
            | Event::OrderCancelled(_)
            | Event::OrderRefunded(_)
            | Event::OrderDisputed(_) => self.0.subschema_for::<Order>(),
            Event::RefundRequested(_)
            | Event::RefundApproved(_)
            | Event::RefundDeclined(_)
            | Event::RefundPaid(_)
            | Event::RefundFailed(_) => self.0.subschema_for::<Refund>(),
            Event::ExpirationCompleted(_) => self.0.subschema_for::<Expiration>(),
            Event::ExpirationTimer(_) => self.0.subschema_for::<Timer>(),
            Event::PaymentPending(_)
            | Event::PaymentAuthorized(_)
            | Event::PaymentCreated(_)
            | Event::PaymentFailed(_) => self.0.subschema_for::<Payment>(),
            Event::PaymentRefunded(_) | Event::PaymentRefundFailed(_) | Event::PaymentDisputed(_) => {
                self.0.subschema_for::<Reversal>()
            }
        };
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
    fn every_event_is_in_the_document_with_who_sends_and_who_receives_it() {
        let document = asyncapi();
        for route in ROUTES {
            let name = camel_case(route.event);
            assert_eq!(document["components"]["messages"][&name]["name"], route.event);
            assert_eq!(
                document["operations"][format!("{}.sends.{name}", route.from)]["action"],
                "send"
            );
            for to in route.to {
                assert_eq!(
                    document["operations"][format!("{to}.receives.{name}")]["action"],
                    "receive"
                );
            }
        }
        for shape in ["Order", "Ticket", "Payment", "Expiration", "Timer", "Money"] {
            assert!(document["components"]["schemas"][shape].is_object(), "{shape}");
        }
    }
}
