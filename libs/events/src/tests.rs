//! Tests of the contracts. A changed snapshot is a changed wire format.

use serde_json::{Value, json};
use telemetry::{Span, SpanKind};

use crate::{Envelope, Event, ROUTES, examples, subscriptions};

#[test]
fn every_payload_matches_its_committed_snapshot() {
    for event in examples::events() {
        let payload = serde_json::to_value(&event).unwrap();
        insta::assert_json_snapshot!(event.name(), payload);
    }
}

#[test]
fn an_event_survives_serialisation() {
    for event in examples::events() {
        let envelope = Envelope::new("order", "2027-06-01T19:30:00Z".parse().unwrap(), event);
        assert_eq!(Envelope::parse(envelope.to_json().as_bytes()).unwrap(), envelope);
    }
}

#[test]
fn the_name_is_the_type_on_the_wire() {
    for event in examples::events() {
        let wire: Value = serde_json::from_str(&Envelope::new("x", noon(), event.clone()).to_json()).unwrap();
        assert_eq!(wire["type"], event.name());
        assert_eq!(wire["specversion"], "1.0");
        assert_eq!(wire["subject"], event.subject());
    }
}

#[test]
fn unknown_fields_of_a_newer_release_are_ignored() {
    let mut wire = serde_json::to_value(Envelope::new("order", noon(), examples::events().remove(2))).unwrap();
    wire["data"]["gate"] = json!("B");
    wire["region"] = json!("north");
    assert!(matches!(
        Envelope::parse(wire.to_string().as_bytes()).unwrap().event,
        Event::OrderCreated(_)
    ));
}

#[test]
fn a_message_that_violates_its_contract_is_malformed() {
    let good = serde_json::to_value(Envelope::new("order", noon(), examples::events().remove(2))).unwrap();
    for (pointer, bad) in [
        ("/specversion", json!("2.0")),
        ("/type", json!("ticketing.order.created.v9")),
        ("/time", json!("yesterday")),
        ("/data/id", json!(42)),
        ("/data/total/amount", json!(39.98)),
        ("/data/status", json!("lost")),
    ] {
        let mut wire = good.clone();
        *wire.pointer_mut(pointer).unwrap() = bad;
        assert!(Envelope::parse(wire.to_string().as_bytes()).is_err(), "{pointer}");
    }
    assert!(Envelope::parse(b"").is_err());
    assert!(Envelope::parse(b"\xff\xfe").is_err());
}

#[test]
fn the_fields_of_a_message_come_in_any_order() {
    for event in examples::events() {
        let envelope = Envelope::new("order", noon(), event);
        let Value::Object(fields) = serde_json::to_value(&envelope).unwrap() else {
            panic!("{envelope:?}")
        };
        // The data comes before its type.
        let reversed: serde_json::Map<_, _> = fields.into_iter().rev().collect();
        let body = Value::Object(reversed).to_string();
        assert!(body.starts_with(r#"{"data":"#), "{body}");
        assert_eq!(Envelope::parse(body.as_bytes()).unwrap(), envelope);
    }
}

#[test]
fn a_field_that_is_missing_or_repeated_is_malformed() {
    let envelope = Envelope::new("order", noon(), examples::events().remove(2));
    let body = envelope.to_json();
    let Value::Object(fields) = serde_json::to_value(&envelope).unwrap() else {
        panic!("{envelope:?}")
    };
    for (name, value) in &fields {
        let mut without = fields.clone();
        without.shift_remove(name);
        let error = Envelope::parse(Value::Object(without).to_string().as_bytes()).unwrap_err();
        assert!(
            error.to_string().contains(&format!("missing field `{name}`")),
            "{error}"
        );
        let field = format!("\"{name}\":{value}");
        for twice in [
            body.replacen('{', &format!("{{{field},"), 1),
            format!("{},{field}}}", body.strip_suffix('}').unwrap()),
        ] {
            let error = Envelope::parse(twice.as_bytes()).unwrap_err();
            assert!(
                error.to_string().contains(&format!("duplicate field `{name}`")),
                "{error}"
            );
        }
    }
}

#[test]
fn an_array_is_no_event_and_no_payload() {
    let envelope = Envelope::new("order", noon(), examples::events().remove(2));
    let Value::Object(mut fields) = serde_json::to_value(&envelope).unwrap() else {
        panic!("{envelope:?}")
    };
    let values = |fields: &serde_json::Map<String, Value>| Value::Array(fields.values().cloned().collect());
    assert!(Envelope::parse(values(&fields).to_string().as_bytes()).is_err());
    let payload = values(fields["data"].as_object().unwrap());
    fields.insert("data".to_owned(), payload);
    assert!(Envelope::parse(Value::Object(fields).to_string().as_bytes()).is_err());
}

#[test]
fn every_route_is_an_event_and_every_service_subscribes_to_its_own() {
    let known: Vec<_> = examples::events().iter().map(Event::name).collect();
    assert!(ROUTES.iter().all(|route| known.contains(&route.event)));
    assert_eq!(subscriptions("ticket").count(), 14);
    assert!(subscriptions("payment").any(|event| event == "ticketing.refund.approved.v1"));
    assert!(subscriptions("auth").all(|event| event.contains("-closure.")));
    let verifies_tokens = |service: &str| subscriptions(service).any(|event| event == "ticketing.session.ended.v1");
    assert!(
        ["ticket", "order", "expiration", "payment", "notification"]
            .into_iter()
            .all(verifies_tokens)
    );
}

#[test]
fn every_event_has_the_publisher_of_its_route() {
    for event in examples::events() {
        let route = ROUTES.iter().find(|route| route.event == event.name());
        let expected = route.map_or("expiration", |route| route.publisher);
        assert_eq!(event.publisher(), expected, "{}", event.name());
    }
}

#[test]
fn an_event_carries_the_trace_of_its_cause() {
    telemetry::install_default();
    let request = Span::entry(
        &tracing::Span::none(),
        SpanKind::Server,
        format_args!("a request"),
        None,
    );
    let envelope = request.in_scope(|| Envelope::new("order", noon(), examples::events().remove(0)));
    assert!(request.traceparent().is_some());
    assert_eq!(envelope.trace(), request.traceparent());
    assert_eq!(
        Envelope::new("order", noon(), examples::events().remove(0)).trace(),
        None
    );
}

fn noon() -> values::Timestamp {
    "2027-06-01T19:30:00Z".parse().unwrap()
}
