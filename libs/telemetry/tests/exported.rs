//! Spans on their way to a collector: as they are queued, as they are sent, and when the collector does not accept them.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{sync::Arc, time::Duration, time::SystemTime};

use opentelemetry::{
    InstrumentationScope, KeyValue,
    trace::{SpanContext, SpanId, Status, TraceFlags, TraceId, TraceState},
};
use opentelemetry_sdk::trace::{SpanEvents, SpanLinks};
use poem::{Endpoint, Request, Response, Server, http::StatusCode, listener::TcpAcceptor};
use serde_json::{Value, json};
use telemetry::{Span, SpanData, SpanExport, SpanKind, SpanQueue, service_span};
use tokio::{
    net::TcpListener,
    sync::{Mutex, mpsc},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Answers with each status once, and then 200; hands on the bodies that it receives.
#[derive(Clone)]
struct Collector {
    statuses: Arc<Mutex<Vec<StatusCode>>>,
    bodies: mpsc::UnboundedSender<Value>,
}

impl Endpoint for Collector {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        assert_eq!(
            (request.method().as_str(), request.uri().path()),
            ("POST", "/v1/traces")
        );
        assert_eq!(request.header("content-type"), Some("application/json"));
        let body = request.take_body().into_string().await.unwrap();
        self.bodies.send(serde_json::from_str(&body).unwrap()).unwrap();
        Ok(self.statuses.lock().await.pop().unwrap_or(StatusCode::OK).into())
    }
}

/// A running export, and its collector.
struct TestExport {
    queue: SpanQueue,
    bodies: mpsc::UnboundedReceiver<Value>,
    collector: CancellationToken,
    export: CancellationToken,
    tasks: TaskTracker,
}

impl TestExport {
    /// Starts both; the collector answers with `statuses` first, the last one first.
    async fn start(statuses: &[StatusCode]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let (queue, export) = SpanExport::new(endpoint, 100, "1.2.3").unwrap();
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let (sender, bodies) = mpsc::unbounded_channel();
        let statuses = Arc::new(Mutex::new(statuses.to_vec()));
        let server = Server::new_with_acceptor(TcpAcceptor::from_tokio(listener).unwrap());
        let stop_collector = CancellationToken::new();
        let stopped = stop_collector.clone().cancelled_owned();
        let collector = Collector {
            statuses,
            bodies: sender,
        };
        tasks.spawn(async move {
            server
                .run_with_graceful_shutdown(collector, stopped, Some(Duration::from_secs(5)))
                .await
        });
        tasks.spawn(export.run(stop.clone()));
        Self {
            queue,
            bodies,
            collector: stop_collector,
            export: stop,
            tasks,
        }
    }

    fn push(&self, service: &'static str) {
        self.queue.push(span(service));
    }

    async fn next_body(&mut self) -> Value {
        tokio::time::timeout(Duration::from_secs(20), self.bodies.recv())
            .await
            .unwrap()
            .unwrap()
    }

    async fn stop(self) {
        self.export.cancel();
        self.collector.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// A finished span, for tests that are not about its content.
fn span(service: &'static str) -> SpanData {
    let (trace, id) = (TraceId::from(0xabc), SpanId::from(0xdef));
    SpanData {
        span_context: SpanContext::new(trace, id, TraceFlags::SAMPLED, false, TraceState::NONE),
        parent_span_id: SpanId::INVALID,
        parent_span_is_remote: false,
        span_kind: SpanKind::Server,
        name: "POST /api/v1/orders".into(),
        start_time: SystemTime::UNIX_EPOCH,
        end_time: SystemTime::UNIX_EPOCH,
        attributes: vec![KeyValue::new("service.name", service)],
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: InstrumentationScope::default(),
    }
}

fn service_of(body: &Value) -> &str {
    let attributes = body["resourceSpans"][0]["resource"]["attributes"].as_array().unwrap();
    let service = attributes.iter().find(|attribute| attribute["key"] == "service.name");
    service.unwrap()["value"]["stringValue"].as_str().unwrap()
}

#[tokio::test]
async fn spans_are_sent_by_service_as_otlp_writes_them() {
    telemetry::install_default();
    let mut test = TestExport::start(&[]).await;
    telemetry::export_to(test.queue.clone()).unwrap();
    let order = service_span("order");
    let request = Span::entry(
        &order,
        SpanKind::Server,
        format_args!("POST {}", "/api/v1/orders"),
        None,
    );
    request.set("http.response.status_code", 503);
    request.fail("no");
    request.in_scope(|| drop(Span::inner(SpanKind::Client, format_args!("write order"))));
    drop(request);
    let payment = service_span("payment");
    drop(Span::entry(
        &payment,
        SpanKind::Server,
        format_args!("POST /api/v1/payments"),
        None,
    ));

    let (first, second) = (test.next_body().await, test.next_body().await);
    assert_eq!((service_of(&first), service_of(&second)), ("order", "payment"));
    let spans = &first["resourceSpans"][0]["scopeSpans"][0]["spans"];
    // In the order in which they have ended.
    let (write, request) = (&spans[0], &spans[1]);
    assert_eq!(
        (&write["name"], &request["name"]),
        (&json!("write order"), &json!("POST /api/v1/orders"))
    );
    assert_eq!(request["kind"], 2);
    assert_eq!(request["traceId"].as_str().unwrap().len(), 32);
    assert_eq!(request["status"], json!({"code": 2, "message": "no"}));
    assert_eq!(
        request["attributes"],
        json!([{"key": "http.response.status_code", "value": {"intValue": "503"}}])
    );
    assert_eq!(request["parentSpanId"].as_str().unwrap_or_default(), "");
    assert_eq!(
        (&write["kind"], &write["parentSpanId"]),
        (&json!(3), &request["spanId"])
    );
    let time = |span: &Value, name: &str| span[name].as_str().unwrap().parse::<u64>().unwrap();
    assert!(time(request, "startTimeUnixNano") <= time(write, "startTimeUnixNano"));
    assert!(time(write, "endTimeUnixNano") <= time(request, "endTimeUnixNano"));
    test.stop().await;
}

#[tokio::test]
async fn a_batch_that_is_not_accepted_now_is_sent_again() {
    let mut test = TestExport::start(&[StatusCode::SERVICE_UNAVAILABLE]).await;
    test.push("order");
    let (refused, accepted) = (test.next_body().await, test.next_body().await);
    assert_eq!(refused, accepted);
    test.stop().await;
}

#[tokio::test]
async fn the_rest_of_the_queue_is_sent_at_the_end() {
    let mut test = TestExport::start(&[StatusCode::BAD_REQUEST]).await;
    test.push("order");
    test.next_body().await;
    test.push("payment");
    test.export.cancel();
    let last = test.next_body().await;
    assert_eq!(service_of(&last), "payment", "rejected spans are not sent again");
    test.stop().await;
}
