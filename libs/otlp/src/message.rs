use serde_json::{Value, json};
use trace::{Kind, Recorded, Trace};

/// An `ExportTraceServiceRequest`, in the JSON of <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>:
/// ids in hexadecimal digits, 64-bit numbers as texts, enumerations as numbers.
pub(crate) fn message(spans: &[Recorded], version: &str) -> Value {
    let mut services: Vec<_> = spans.iter().map(|span| span.service).collect();
    services.sort_unstable();
    services.dedup();
    let resource = |service: &str| {
        let own = spans.iter().filter(|span| span.service == service).map(span);
        json!({
            "resource": {"attributes": [
                text("service.namespace", "ticketing"),
                text("service.name", service),
                text("service.version", version),
            ]},
            "scopeSpans": [{"scope": {"name": "ticketing", "version": version}, "spans": own.collect::<Vec<_>>()}],
        })
    };
    json!({"resourceSpans": services.into_iter().map(resource).collect::<Vec<_>>()})
}

fn span(span: &Recorded) -> Value {
    let mut told = json!({
        "traceId": span.trace.id(),
        "spanId": span.trace.span_id(),
        "name": span.name,
        "kind": kind(span.kind),
        "startTimeUnixNano": span.began.to_string(),
        "endTimeUnixNano": span.ended.to_string(),
        "attributes": span.attributes.iter().map(attribute).collect::<Vec<_>>(),
        "flags": 1,
    });
    if let Some(parent) = span.parent {
        told["parentSpanId"] = parent.span_id().into();
    }
    if !span.links.is_empty() {
        told["links"] = span.links.iter().map(link).collect();
    }
    if let Some(error) = &span.error {
        told["status"] = json!({"code": 2, "message": error});
    }
    told
}

/// `SpanKind` of opentelemetry/proto/trace/v1/trace.proto.
const fn kind(kind: Kind) -> u8 {
    match kind {
        Kind::Internal => 1,
        Kind::Server => 2,
        Kind::Client => 3,
        Kind::Producer => 4,
        Kind::Consumer => 5,
    }
}

fn link(other: &Trace) -> Value {
    json!({"traceId": other.id(), "spanId": other.span_id()})
}

fn attribute((name, value): &(&'static str, trace::Value)) -> Value {
    match value {
        trace::Value::Text(value) => text(name, value),
        trace::Value::Number(value) => json!({"key": name, "value": {"intValue": value.to_string()}}),
    }
}

fn text(name: &str, value: &str) -> Value {
    json!({"key": name, "value": {"stringValue": value}})
}
