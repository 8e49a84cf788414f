//! To a collector that takes spans, and to one that does not.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{sync::Arc, time::Duration};

use otlp::Exporter;
use poem::{Endpoint, Request, Response, Server, http::StatusCode, listener::TcpAcceptor};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{Mutex, mpsc},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use trace::{Context, Kind, Outlet};

/// Answers with each status once, and then 200; tells what it was sent.
#[derive(Clone)]
struct Collector {
    statuses: Arc<Mutex<Vec<StatusCode>>>,
    sent: mpsc::UnboundedSender<Value>,
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
        self.sent.send(serde_json::from_str(&body).unwrap()).unwrap();
        Ok(self.statuses.lock().await.pop().unwrap_or(StatusCode::OK).into())
    }
}

struct World {
    outlet: Outlet,
    sent: mpsc::UnboundedReceiver<Value>,
    /// Ends the collector.
    down: CancellationToken,
    /// Ends the exporter.
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl World {
    async fn with(statuses: &[StatusCode]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let (outlet, exporter) = Exporter::new(endpoint, 100, "1.2.3").unwrap();
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let (sender, sent) = mpsc::unbounded_channel();
        let statuses = Arc::new(Mutex::new(statuses.to_vec()));
        let server = Server::new_with_acceptor(TcpAcceptor::from_tokio(listener).unwrap());
        let down = CancellationToken::new();
        let ended = down.clone().cancelled_owned();
        let collector = Collector { statuses, sent: sender };
        tasks.spawn(async move {
            server
                .run_with_graceful_shutdown(collector, ended, Some(Duration::from_secs(5)))
                .await
        });
        tasks.spawn(exporter.run(stop.clone()));
        Self {
            outlet,
            sent,
            down,
            stop,
            tasks,
        }
    }

    fn step(&self, service: &'static str) -> Context {
        let context = Context::of(service).with_outlet(self.outlet.clone());
        let mut step = context.enter(Kind::Server, format_args!("POST /api/v1/orders"), None);
        step.set("http.response.status_code", 503_u16);
        step.fail("no");
        step.context()
    }

    async fn next(&mut self) -> Value {
        tokio::time::timeout(Duration::from_secs(20), self.sent.recv())
            .await
            .unwrap()
            .unwrap()
    }

    async fn end(self) {
        self.stop.cancel();
        self.down.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

#[tokio::test]
async fn spans_are_sent_by_service_as_otlp_writes_them() {
    let mut world = World::with(&[]).await;
    let order = world.step("order");
    drop(order.span(Kind::Client, format_args!("write order")));
    world.step("payment");
    let sent = world.next().await;
    let resources = sent["resourceSpans"].as_array().unwrap();
    let name = |resource: &Value| resource["resource"]["attributes"][1]["value"]["stringValue"].clone();
    assert_eq!(resources.iter().map(name).collect::<Vec<_>>(), ["order", "payment"]);
    let spans = &resources[0]["scopeSpans"][0]["spans"];
    let (request, write) = (&spans[0], &spans[1]);
    assert_eq!(request["kind"], 2);
    assert_eq!(request["traceId"].as_str().unwrap().len(), 32);
    assert_eq!(request["status"], json!({"code": 2, "message": "no"}));
    assert_eq!(
        request["attributes"],
        json!([{"key": "http.response.status_code", "value": {"intValue": "503"}}])
    );
    assert_eq!(request.get("parentSpanId"), None);
    assert_eq!(
        (&write["kind"], &write["parentSpanId"]),
        (&json!(3), &request["spanId"])
    );
    world.end().await;
}

#[tokio::test]
async fn a_batch_that_cannot_be_taken_now_is_sent_again() {
    let mut world = World::with(&[StatusCode::SERVICE_UNAVAILABLE]).await;
    world.step("order");
    let (refused, taken) = (world.next().await, world.next().await);
    assert_eq!(refused, taken);
    world.end().await;
}

#[tokio::test]
async fn what_is_left_at_the_end_is_sent() {
    let mut world = World::with(&[StatusCode::BAD_REQUEST]).await;
    world.step("order");
    world.next().await;
    world.step("payment");
    world.stop.cancel();
    let last = world.next().await;
    let service = &last["resourceSpans"][0]["resource"]["attributes"][1]["value"]["stringValue"];
    assert_eq!(service, "payment", "what was refused is not sent again");
    world.end().await;
}
