//! Ids in a process that exports no spans.

use telemetry::{Span, SpanKind, Traceparent, current_service, current_traceparent, service_span};
use tracing::Instrument;

#[tokio::test]
async fn a_request_has_an_id_and_a_span_below_it_has_none_of_its_own() {
    telemetry::install_default();
    assert_eq!((current_traceparent(), current_service()), (None, None));
    let service = service_span("order");
    let request = Span::entry(&service, SpanKind::Server, format_args!("POST /api/v1/orders"), None);
    let id = request.traceparent().unwrap();
    assert!(!request.is_recording());
    let work = async {
        assert_eq!(current_traceparent(), Some(id));
        assert_eq!(current_service().unwrap(), "order");
        let write = Span::inner(SpanKind::Client, format_args!("write order"));
        assert_eq!(write.traceparent(), Some(id));
        let on_a_thread = write.to_tracing();
        let seen = std::thread::spawn(move || on_a_thread.in_scope(|| (current_traceparent(), current_service())));
        assert_eq!(seen.join().unwrap(), (Some(id), Some("order".to_owned())));
    };
    work.instrument(request.to_tracing()).await;
    assert_eq!(current_traceparent(), None);
}

#[test]
fn a_trace_goes_on_with_its_sampling() {
    telemetry::install_default();
    for header in [
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ] {
        let caller: Traceparent = header.parse().unwrap();
        let request = Span::entry(
            &service_span("order"),
            SpanKind::Server,
            format_args!("GET /"),
            Some(caller),
        );
        let id = request.traceparent().unwrap();
        assert!(id.is_same_trace(caller) && id.span_id() != caller.span_id());
        assert_eq!(id.to_string()[53..], header[53..], "the flag");
        let sent = Span::inner_of(SpanKind::Producer, format_args!("send"), Some(caller));
        assert_eq!(sent.traceparent(), Some(caller));
    }
    let own = Span::entry(&service_span("order"), SpanKind::Server, format_args!("GET /"), None);
    assert!(
        own.traceparent().unwrap().to_string().ends_with("-01"),
        "another program may export its part"
    );
}
