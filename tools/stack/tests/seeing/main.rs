//! What an operator sees of a marketplace at work: one order is one trace, `/metrics` holds what dashboards and alerts ask
//! for, and no log line holds a secret. All of it of one run of the real binary.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod collector;
mod marketplace;

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;

use collector::Spans;
use marketplace::seen;

/// The spans of the order that was bought.
fn spans() -> Spans {
    seen().spans.of(&seen().order_trace)
}

#[test]
fn one_order_is_one_trace() {
    let spans = spans();
    let roots: Vec<_> = spans.0.iter().filter(|span| span.parent.is_none()).collect();
    assert_eq!(roots.len(), 1, "{spans:#?}");
    assert_eq!(
        (roots[0].service.as_str(), roots[0].name.as_str()),
        ("order", "POST /api/v1/orders")
    );
    for span in &spans.0 {
        assert!(
            spans.parent(span).is_some() || span.parent.is_none(),
            "nobody led to {span:#?}"
        );
    }
    let services: BTreeSet<_> = spans.0.iter().map(|span| span.service.as_str()).collect();
    assert_eq!(services, BTreeSet::from(["expiration", "order", "payment", "ticket"]));
}

#[test]
fn each_step_of_an_order_follows_from_the_one_before() {
    let spans = spans();
    let completed = spans.find("ticket", "process", "ticketing.order.completed.v1");
    let led_to_it: Vec<_> = spans.ancestors(completed).iter().map(|span| span.told()).collect();
    let steps = [
        "order: POST /api/v1/orders",
        "order: write order",
        "order: send ticketing.order.created.v1",
        "payment: process ticketing.order.created.v1",
        "payment: write payment",
        "payment: settle payment",
        "payment: write payment",
        "payment: send ticketing.payment.authorized.v1",
        "order: process ticketing.payment.authorized.v1",
        "order: write order",
        "order: send ticketing.order.confirmed.v1",
        "payment: process ticketing.order.confirmed.v1",
        "payment: write payment",
        "payment: settle payment",
        "payment: write payment",
        "payment: send ticketing.payment.created.v1",
        "order: process ticketing.payment.created.v1",
        "order: write order",
        "order: send ticketing.order.completed.v1",
        "ticket: process ticketing.order.completed.v1",
    ];
    assert_eq!(led_to_it, steps);
    for call in ["POST /v1/payment_intents", "POST /v1/payment_intents/{intent}/capture"] {
        let asked = spans.named("payment", call);
        assert_eq!(spans.parent(asked).unwrap().name, "settle payment", "{asked:#?}");
    }
    let authorising = spans
        .parent(spans.named("payment", "POST /v1/payment_intents"))
        .unwrap();
    assert_eq!(
        authorising.links,
        [seen().payment_trace.clone()],
        "the request that paid is linked"
    );
}

/// The metrics that a text with queries asks for; not those of RabbitMQ's own exporter.
fn asked_for(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let ours = |word: &&str| {
        ["ticketing_", "http_server_", "process_"]
            .iter()
            .any(|ours| word.starts_with(ours))
    };
    words.filter(ours).map(ToOwned::to_owned).collect()
}

#[test]
fn what_dashboard_and_alerts_ask_for_is_there() {
    let told: BTreeSet<_> = seen()
        .metrics
        .iter()
        .flat_map(|text| text.lines())
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(['{', ' ']).next())
        .collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../nomad/observability");
    let mut expressions = fs::read_to_string(folder.join("rules.yml")).unwrap();
    let dashboard: Value = serde_json::from_str(&fs::read_to_string(folder.join("dashboard.json")).unwrap()).unwrap();
    collect_expressions(&dashboard, &mut expressions);
    let asked = asked_for(&expressions);
    assert!(asked.len() > 30, "{asked:?}");
    let missing: Vec<_> = asked.iter().filter(|name| !told.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "nobody tells {missing:?}; told are {told:#?}");
}

fn collect_expressions(value: &Value, into: &mut String) {
    match value {
        Value::Object(fields) => {
            for name in ["expr", "query"] {
                if let Some(expression) = fields.get(name).and_then(Value::as_str) {
                    into.push('\n');
                    into.push_str(expression);
                }
            }
            fields.values().for_each(|value| collect_expressions(value, into));
        }
        Value::Array(items) => items.iter().for_each(|value| collect_expressions(value, into)),
        _ => {}
    }
}

#[test]
fn metrics_are_told_at_the_services_doors_and_not_at_the_front_door() {
    assert_eq!(seen().metrics.len(), 5);
    assert_eq!(seen().front_door_metrics, 404);
}

#[test]
fn no_line_of_the_log_holds_a_secret() {
    let seen = seen();
    assert!(seen.log.lines().count() > 100, "it is not the whole log:\n{}", seen.log);
    for secret in &seen.secrets {
        let line = seen.log.lines().find(|line| line.contains(secret.as_str()));
        assert_eq!(line, None, "{secret} is a secret");
    }
}

#[test]
fn no_span_holds_a_secret() {
    for secret in &seen().secrets {
        assert!(!seen().spans.raw.contains(secret.as_str()), "{secret} is a secret");
    }
}
