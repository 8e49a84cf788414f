//! A payment belongs to the trace of its order.

use std::sync::Mutex;

use events::Event;
use telemetry::{Span, SpanData, SpanKind, SpanQueue, Traceparent, service_span};
use testkit::eventually;
use tracing::Instrument;

use crate::test_app::{TestApp, pay};

fn find<'a>(spans: &'a [SpanData], name: &str) -> Option<&'a SpanData> {
    spans.iter().find(|span| span.name == name)
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
    eventually("the span of the payment's event is exported", || async {
        let mut spans = spans.lock().unwrap();
        while let Ok(span) = collect.lock().unwrap().try_recv() {
            spans.extend(Some(span).filter(is_of_order));
        }
        let announced = spans.iter().any(|span| span.span_kind == SpanKind::Producer);
        announced.then_some(())
    })
    .await;
    let spans = spans.lock().unwrap();

    let id = |span: &SpanData| span.span_context.span_id();
    let consumed = spans.iter().find(|span| span.span_kind == SpanKind::Consumer).unwrap();
    assert_eq!(
        consumed.parent_span_id.to_string(),
        placing.traceparent().unwrap().span_id()
    );
    let stored = spans.iter().find(|span| span.parent_span_id == id(consumed)).unwrap();
    assert_eq!(stored.name, "write payment");
    let settled = find(&spans, "settle payment").unwrap();
    // One write can apply several events, so what follows from one belongs to the span of its message.
    assert_eq!(settled.parent_span_id, id(consumed));
    let linked: Vec<_> = settled
        .links
        .iter()
        .map(|link| link.span_context.trace_id().to_string())
        .collect();
    assert_eq!(linked, [paying], "the paying request is linked");
    let asked = find(&spans, "POST /v1/payment_intents").unwrap();
    assert_eq!(
        (&asked.span_kind, asked.parent_span_id),
        (&SpanKind::Client, id(settled))
    );
    let published = spans.iter().find(|span| span.span_kind == SpanKind::Producer).unwrap();
    let written = spans.iter().find(|span| id(span) == published.parent_span_id).unwrap();
    assert_eq!(
        (written.name.as_ref(), written.parent_span_id),
        ("write payment", id(settled))
    );
}
