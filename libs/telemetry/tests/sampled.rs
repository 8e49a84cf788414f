//! A process that exports none of its own traces.

use telemetry::{Span, SpanKind, SpanQueue, service_span};

#[test]
fn the_side_that_begins_a_trace_decides_for_all_spans_whether_it_is_exported() {
    telemetry::install_default();
    let (queue, mut spans) = SpanQueue::new(8, 0);
    telemetry::export_to(queue).unwrap();
    let service = service_span("order");
    let start = |name: &str, remote| Span::entry(&service, SpanKind::Server, format_args!("{name}"), remote);
    let ours = start("ours", None);
    ours.in_scope(|| drop(Span::inner(SpanKind::Internal, format_args!("below"))));
    assert!(ours.traceparent().unwrap().to_string().ends_with("-00"));
    drop(ours);
    assert!(spans.try_recv().is_err());
    let sampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".parse().ok();
    drop(start("theirs", sampled));
    assert_eq!(spans.try_recv().unwrap().name, "theirs");
    let health = Span::entry_not_exported(&service, sampled);
    health.in_scope(|| drop(Span::inner(SpanKind::Internal, format_args!("below"))));
    assert!(health.traceparent().unwrap().is_same_trace(sampled.unwrap()));
    drop(health);
    assert!(spans.try_recv().is_err());
}
