//! Observability of a marketplace at work: one order is one trace, `/metrics` has every metric of the dashboard and the
//! alerts, and neither logs nor spans contain secrets. All tests share one run of the binary.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod otlp_collector;
mod recording;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "the end-to-end tests use the rest")]
mod support;

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;

use otlp_collector::Trace;
use recording::recording;

/// Returns the trace of the order.
fn order_trace() -> Trace {
    recording().spans.trace(&recording().order_trace)
}

#[test]
fn one_order_is_one_trace() {
    let trace = order_trace();
    let roots: Vec<_> = trace.0.iter().filter(|span| span.parent.is_none()).collect();
    assert_eq!(roots.len(), 1, "{trace:#?}");
    assert_eq!(
        (roots[0].service.as_str(), roots[0].name.as_str()),
        ("order", "POST /api/v1/orders")
    );
    for span in &trace.0 {
        assert!(
            trace.parent(span).is_some() || span.parent.is_none(),
            "the parent is missing: {span:#?}"
        );
    }
    let services: BTreeSet<_> = trace.0.iter().map(|span| span.service.as_str()).collect();
    assert_eq!(
        services,
        BTreeSet::from(["expiration", "notification", "order", "payment", "ticket"])
    );
}

#[test]
fn each_step_of_an_order_is_a_child_of_the_step_before() {
    let trace = order_trace();
    let completed = trace.message_span("ticket", "process", "ticketing.order.completed.v1");
    let ancestors: Vec<_> = trace.ancestors(completed).iter().map(|span| span.summary()).collect();
    // One write can apply several events: it is no step, but a child of the first event that it applies.
    let steps = [
        "order: POST /api/v1/orders",
        "order: write order",
        "order: send ticketing.order.created.v1",
        "payment: process ticketing.order.created.v1",
        "payment: settle payment",
        "payment: write payment",
        "payment: send ticketing.payment.authorized.v1",
        "order: process ticketing.payment.authorized.v1",
        "order: send ticketing.order.confirmed.v1",
        "payment: process ticketing.order.confirmed.v1",
        "payment: settle payment",
        "payment: write payment",
        "payment: send ticketing.payment.created.v1",
        "order: process ticketing.payment.created.v1",
        "order: send ticketing.order.completed.v1",
        "ticket: process ticketing.order.completed.v1",
    ];
    assert_eq!(ancestors, steps);
    for call in ["POST /v1/payment_intents", "POST /v1/payment_intents/{intent}/capture"] {
        let span = trace.span("payment", call);
        assert_eq!(trace.parent(span).unwrap().name, "settle payment", "{span:#?}");
    }
    let authorisation = trace.parent(trace.span("payment", "POST /v1/payment_intents")).unwrap();
    assert_eq!(
        authorisation.links,
        [recording().payment_trace.clone()],
        "the payment request is linked"
    );
}

/// Returns the metrics of this project that queries in a text name; not those of RabbitMQ's exporter.
fn metrics_in_queries(text: &str) -> BTreeSet<String> {
    const PREFIXES: [&str; 3] = ["ticketing_", "http_server_", "process_"];
    text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .filter(|word| PREFIXES.iter().any(|prefix| word.starts_with(prefix)))
        .map(ToOwned::to_owned)
        .collect()
}

#[test]
fn every_metric_of_dashboard_and_alerts_exists() {
    let reported: BTreeSet<_> = recording()
        .metrics
        .iter()
        .flat_map(|text| text.lines())
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(['{', ' ']).next())
        .collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../nomad/observability");
    let mut queries = fs::read_to_string(folder.join("rules.yml")).unwrap();
    let dashboard: Value = serde_json::from_str(&fs::read_to_string(folder.join("dashboard.json")).unwrap()).unwrap();
    append_queries(&dashboard, &mut queries);
    let used = metrics_in_queries(&queries);
    assert!(used.len() > 30, "{used:?}");
    let missing: Vec<_> = used.iter().filter(|name| !reported.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "missing: {missing:?}; reported: {reported:#?}");
}

/// Appends every query of a dashboard to a text.
fn append_queries(value: &Value, text: &mut String) {
    match value {
        Value::Object(fields) => {
            for name in ["expr", "query"] {
                if let Some(query) = fields.get(name).and_then(Value::as_str) {
                    text.push('\n');
                    text.push_str(query);
                }
            }
            fields.values().for_each(|value| append_queries(value, text));
        }
        Value::Array(items) => items.iter().for_each(|value| append_queries(value, text)),
        _ => {}
    }
}

#[test]
fn each_service_serves_metrics_and_the_front_door_does_not() {
    assert_eq!(recording().metrics.len(), stack::SERVICES.len());
    assert_eq!(recording().front_door_metrics, 404);
}

#[test]
fn no_log_line_contains_a_secret() {
    let recording = recording();
    assert!(
        recording.log.lines().count() > 100,
        "the log is incomplete:\n{}",
        recording.log
    );
    for secret in &recording.secrets {
        let line = recording.log.lines().find(|line| line.contains(secret.as_str()));
        assert_eq!(line, None, "{secret} is a secret");
    }
}

#[test]
fn no_span_contains_a_secret() {
    for secret in &recording().secrets {
        assert!(!recording().spans.raw.contains(secret.as_str()), "{secret} is a secret");
    }
}
