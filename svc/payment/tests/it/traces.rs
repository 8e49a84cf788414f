//! A payment belongs to the trace of its order.

use std::sync::Mutex;

use events::Event;
use telemetry::{Span, SpanData, SpanKind, SpanQueue, Traceparent, service_span};
use testkit::eventually;
use tracing::Instrument;

use crate::test_app::{TestApp, pay};

/// Returns the first span with which `condition` is true.
fn find(spans: &[SpanData], condition: impl Fn(&SpanData) -> bool) -> Option<SpanData> {
    spans.iter().find(|span| condition(span)).cloned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_belongs_to_the_trace_of_its_order_not_of_its_request() {
    // Traces that start in the service are not exported. Messages that other tests published before this line are.
    let (queue, mut exported) = SpanQueue::new(4096, 0);
    telemetry::export_to(queue).unwrap();
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let client: Traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        .parse()
        .unwrap();
    let placing = Span::entry(
        &service_span("order"),
        SpanKind::Server,
        format_args!("place"),
        Some(client),
    );
    let order = app.unpublished_order(&buyer, 1999);
    let publish = app.env.publish("order", Event::OrderCreated(order.clone()));
    publish.instrument(placing.to_tracing()).await;

    let paid = pay(&app.client(&buyer), order.id, "tok_visa").await.expect(201);
    let paying = paid.headers["x-request-id"].to_str().unwrap();
    let spans = Mutex::new(Vec::new());
    let collect = Mutex::new(&mut exported);
    let (spans, collect) = (&spans, &collect);
    let is_of_order = |span: &SpanData| span.span_context.trace_id().to_string() == client.trace_id();
    let id = |span: &SpanData| span.span_context.span_id();
    // They end in any order: the broker can confirm the event before the task that awaits its commit resumes.
    let [consumed, settled, asked, written] = eventually("the payment's spans are exported", || async {
        let mut spans = spans.lock().unwrap();
        while let Ok(span) = collect.lock().unwrap().try_recv() {
            spans.extend(Some(span).filter(is_of_order));
        }
        let consumed = find(&spans, |span| span.span_kind == SpanKind::Consumer)?;
        let published = find(&spans, |span| span.span_kind == SpanKind::Producer)?;
        // The order is stored in a write of its message.
        find(&spans, |span| {
            span.parent_span_id == id(&consumed) && span.name == "write payment"
        })?;
        let settled = find(&spans, |span| span.name == "settle payment")?;
        let asked = find(&spans, |span| span.name == "POST /v1/payment_intents")?;
        let written = find(&spans, |span| id(span) == published.parent_span_id)?;
        Some([consumed, settled, asked, written])
    })
    .await;

    assert_eq!(
        consumed.parent_span_id.to_string(),
        placing.traceparent().unwrap().span_id()
    );
    // One write can apply several events, so what follows from one belongs to the span of its message.
    assert_eq!(settled.parent_span_id, id(&consumed));
    let linked: Vec<_> = settled
        .links
        .iter()
        .map(|link| link.span_context.trace_id().to_string())
        .collect();
    assert_eq!(linked, [paying], "the paying request is linked");
    assert_eq!(
        (&asked.span_kind, asked.parent_span_id),
        (&SpanKind::Client, id(&settled))
    );
    assert_eq!(
        (written.name.as_ref(), written.parent_span_id),
        ("write payment", id(&settled))
    );
}
