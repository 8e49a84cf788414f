use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use chassis::{BoundListener, Samples, Server, ServerLimits, ServerShutdown};
use metrics::MetricsRegistry;
use poem::{Body, Endpoint, Request, Response, Result, http::StatusCode};
use tokio::sync::{Semaphore, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::raw_client::WAIT_TIMEOUT;

/// A server with an endpoint for the tests.
pub(crate) struct TestServer {
    pub(crate) addr: SocketAddr,
    pub(crate) shutdown: ServerShutdown,
    pub(crate) tasks: TaskTracker,
    /// Each permit completes one request to `/wait`.
    pub(crate) permits: Arc<Semaphore>,
    /// The number of requests to `/wait` that are under way.
    pub(crate) waiting: watch::Receiver<usize>,
    metrics: MetricsRegistry,
}

/// No deadline of these passes while a test runs.
pub(crate) fn patient() -> ServerLimits {
    let never = Duration::from_mins(10);
    ServerLimits {
        head: never,
        idle: never,
        body: never,
        body_stall: never,
        write_stall: never,
        over_share_stall: never,
        slow_body: never,
        stream: never,
        stop: never,
        stop_idle: Duration::from_millis(200),
        ..ServerLimits::default()
    }
}

/// The size of the responses to `/page` and `/file`.
pub(crate) const PAGE_BYTES: usize = 1024 * 1024;

/// All responses to `/file` share these bytes.
static FILE: OnceLock<bytes::Bytes> = OnceLock::new();

/// A deadline that passes while a test runs.
pub(crate) const SOON: Duration = Duration::from_millis(200);

impl TestServer {
    pub(crate) async fn start(limits: ServerLimits) -> Self {
        let listener = BoundListener::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        Self::start_on(listener, limits)
    }

    pub(crate) fn start_on(listener: BoundListener, limits: ServerLimits) -> Self {
        let (addr, tasks, metrics) = (listener.addr, TaskTracker::new(), MetricsRegistry::new("test"));
        let shutdown = ServerShutdown {
            draining: CancellationToken::new(),
            stopping: CancellationToken::new(),
        };
        let permits = Arc::new(Semaphore::new(0));
        let (sender, waiting) = watch::channel(0);
        let endpoint = TestEndpoint {
            permits: Arc::clone(&permits),
            waiting: sender,
        };
        Server::new(endpoint)
            .limits(limits)
            .metrics(&metrics)
            .serve(listener, shutdown.clone(), &tasks);
        Self {
            addr,
            shutdown,
            tasks,
            permits,
            waiting,
            metrics,
        }
    }

    /// Waits until so many requests to `/wait` are under way.
    pub(crate) async fn wait_for_requests(&self, count: usize) {
        let mut waiting = self.waiting.clone();
        let reached = waiting.wait_for(|waiting| *waiting == count);
        drop(tokio::time::timeout(WAIT_TIMEOUT, reached).await.unwrap().unwrap());
    }

    /// Returns the number of bytes of responses that clients have not accepted.
    pub(crate) fn held_response_bytes(&self) -> usize {
        let text = self.metrics.text(Samples::default());
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix("http_server_held_response_bytes{service=\"test\"} "));
        value.unwrap().parse().unwrap()
    }

    /// Waits until `/metrics` would have this line.
    pub(crate) async fn wait_for_metric(&self, line: &str) {
        let mut ticks = tokio::time::interval(Duration::from_millis(10));
        let found = async {
            while !self.metrics.text(Samples::default()).contains(line) {
                ticks.tick().await;
            }
        };
        let found = tokio::time::timeout(WAIT_TIMEOUT, found).await;
        assert!(found.is_ok(), "no {line} in {}", self.metrics.text(Samples::default()));
    }

    /// Waits until a connection was closed for this reason.
    pub(crate) async fn wait_for_close(&self, reason: &str) {
        let line = format!("http_server_connections_closed_total{{service=\"test\",reason=\"{reason}\"}} 1");
        self.wait_for_metric(&line).await;
    }

    /// Stops the server and waits for its end.
    pub(crate) async fn stop(&self) {
        self.shutdown.draining.cancel();
        self.shutdown.stopping.cancel();
        self.tasks.close();
        tokio::time::timeout(WAIT_TIMEOUT, self.tasks.wait()).await.unwrap();
    }
}

struct TestEndpoint {
    permits: Arc<Semaphore>,
    waiting: watch::Sender<usize>,
}

/// Counts a request until it is dropped.
struct Waiting<'a>(&'a watch::Sender<usize>);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|waiting| *waiting -= 1);
    }
}

impl Endpoint for TestEndpoint {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let body = match request.uri().path() {
            "/wait" => {
                self.waiting.send_modify(|waiting| *waiting += 1);
                let _waiting = Waiting(&self.waiting);
                self.permits.acquire().await.unwrap().forget();
                Body::from("waited")
            }
            // Like `/wait`, with a body in memory.
            "/hold" => {
                let bytes = match request.take_body().into_bytes_limit(1024 * 1024).await {
                    Ok(bytes) => bytes,
                    Err(error) => return Err(problem::unreadable_body(&error, 1024 * 1024).into()),
                };
                self.waiting.send_modify(|waiting| *waiting += 1);
                let _waiting = Waiting(&self.waiting);
                self.permits.acquire().await.unwrap().forget();
                Body::from(bytes.len().to_string())
            }
            "/echo" => match request.take_body().into_bytes_limit(1024 * 1024).await {
                Ok(bytes) => bytes.into(),
                Err(error) => return Err(problem::unreadable_body(&error, 1024 * 1024).into()),
            },
            "/length" => match request.take_body().into_bytes_limit(1024 * 1024).await {
                Ok(bytes) => bytes.len().to_string().into(),
                Err(error) => return Err(problem::unreadable_body(&error, 1024 * 1024).into()),
            },
            "/page" => vec![b'x'; PAGE_BYTES].into(),
            "/file" => Body::from_bytes(FILE.get_or_init(|| vec![b'x'; PAGE_BYTES].into()).clone()),
            "/large" => vec![b'x'; 32 * 1024 * 1024].into(),
            "/refuse" => return Ok(StatusCode::UNAUTHORIZED.into()),
            _ => "hello".into(),
        };
        Ok(body.into())
    }
}
