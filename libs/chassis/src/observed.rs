use std::{fmt, sync::Arc, time::Instant};

use metrics::{EncodeLabelSet, Family, Gauge, Histogram, LabelSetEncoder, MetricsRegistry, latency_histogram};
use poem::{
    Endpoint, IntoResponse, Request, Response,
    http::{HeaderValue, Method, StatusCode, header},
};
use telemetry::{Span, SpanKind, Traceparent};
use tracing::{Instrument, Level};

use crate::http::{CHASSIS_PATHS, DocumentedPaths, loggable, request_id};

/// Runs each request in a span, counts, times and logs its outcome.
pub(crate) struct Observed<E> {
    inner: E,
    paths: Arc<DocumentedPaths>,
    meters: Meters,
    /// The span of the service.
    service: tracing::Span,
}

impl<E: Endpoint> Observed<E> {
    pub(crate) fn new(inner: E, paths: Arc<DocumentedPaths>, meters: Meters) -> Self {
        Self {
            inner,
            paths,
            meters,
            service: tracing::Span::current(),
        }
    }

    fn route(&self, path: &str) -> Option<&'static str> {
        CHASSIS_PATHS
            .into_iter()
            .find(|own| *own == path)
            .or_else(|| self.paths.route(path))
    }

    /// Starts the span of a request (<https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server-span>). It
    /// leaves out the query, which may hold a secret.
    fn start_span(&self, request: &Request, route: Option<&str>) -> Span {
        let caller = request
            .header("traceparent")
            .and_then(|header| header.parse::<Traceparent>().ok());
        let Some(route) = route.filter(|route| !CHASSIS_PATHS.contains(route)) else {
            return Span::entry_not_exported(&self.service, caller);
        };
        let method = request.method();
        let span = Span::entry(
            &self.service,
            SpanKind::Server,
            format_args!("{method} {route}"),
            caller,
        );
        if span.is_recording() {
            span.set("http.request.method", method.to_string());
            span.set("http.route", route.to_owned());
            span.set("url.path", loggable(Some(route), request.uri().path()).to_owned());
            span.set("url.scheme", "http");
        }
        span
    }

    async fn respond<R: IntoResponse>(&self, called: impl Future<Output = poem::Result<R>>, path: &str) -> Response {
        let mut response = match called.await {
            Ok(response) => response.into_response(),
            Err(error) => problem::from_error(error, |_| None),
        };
        let is_method_refused = response.status() == StatusCode::METHOD_NOT_ALLOWED;
        let allowed = is_method_refused.then(|| self.paths.methods(path)).flatten();
        let headers = response.headers_mut();
        if let Some(allowed) = allowed.and_then(|methods| HeaderValue::from_str(methods).ok()) {
            headers.insert(header::ALLOW, allowed);
        }
        headers
            .entry(header::CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("no-store"));
        response
    }
}

impl<E: Endpoint> Endpoint for Observed<E> {
    type Output = Response;

    // An `async fn` would hold a copy of the request.
    fn call(&self, request: Request) -> impl Future<Output = poem::Result<Response>> + Send {
        let active = self.meters.enter();
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let route = self.route(uri.path());
        let span = self.start_span(&request, route);
        let mut outcome = Outcome {
            meters: &self.meters,
            span,
            method,
            route,
            started: Instant::now(),
            status: None,
        };
        // On the heap: the futures around this one move it several times.
        let called = Box::pin(self.inner.call(request));
        async move {
            let _active = active;
            let responding = self.respond(called, uri.path()).instrument(outcome.span.to_tracing());
            let mut response = responding.await;
            request_id::set_of(&mut response, &outcome.span);
            outcome.status = Some(response.status());
            // To enter the span costs more than to ask.
            if tracing::enabled!(Level::DEBUG) {
                outcome.span.in_scope(|| outcome.log(uri.path()));
            }
            Ok(response)
        }
    }
}

/// Records how a request ended when it is dropped, also when its client disconnects.
struct Outcome<'a> {
    meters: &'a Meters,
    span: Span,
    method: Method,
    route: Option<&'static str>,
    started: Instant,
    /// The status of the response, if there is one.
    status: Option<StatusCode>,
}

impl Outcome<'_> {
    fn log(&self, path: &str) {
        let (status, millis) = (self.status().as_u16(), self.started.elapsed().as_millis());
        let path = loggable(self.route, path);
        tracing::debug!(method = %self.method, path, status, millis, "answered");
    }

    /// Returns the status of the response. A request without one was dropped: its client disconnected, it took longer than
    /// its stream may, or its server stopped.
    fn status(&self) -> StatusCode {
        self.status.unwrap_or_else(|| {
            if std::thread::panicking() {
                StatusCode::INTERNAL_SERVER_ERROR
            } else {
                client_closed_request()
            }
        })
    }
}

impl Drop for Outcome<'_> {
    fn drop(&mut self) {
        let status = self.status();
        self.span.set("http.response.status_code", i64::from(status.as_u16()));
        if status.is_server_error() {
            self.span.set("error.type", status.as_str().to_owned());
            self.span.fail(status);
        }
        self.meters
            .requests_of(&self.method, self.route, status)
            .observe(self.started.elapsed().as_secs_f64());
    }
}

/// The status of a request that was dropped before its response, as nginx logs it. It is never sent.
fn client_closed_request() -> StatusCode {
    StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST)
}

/// The labels of a series. No label is a text of the client, so the number of series is bounded.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Labels {
    method: &'static str,
    route: &'static str,
    status: StatusCode,
}

impl EncodeLabelSet for Labels {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        [
            ("http_request_method", self.method),
            ("http_route", self.route),
            ("http_response_status_code", self.status.as_str()),
        ]
        .encode(encoder)
    }
}

/// Metrics of requests, with OpenTelemetry's names (<https://opentelemetry.io/docs/specs/semconv/http/http-metrics/>).
#[derive(Clone)]
pub(crate) struct Meters {
    requests: Family<Labels, Histogram, fn() -> Histogram>,
    active: Gauge,
}

/// Counts a request as active until it is dropped, also when its client disconnects.
struct Active<'a>(&'a Gauge);

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Meters {
    pub(crate) fn of(metrics: &MetricsRegistry) -> Self {
        let new: fn() -> Histogram = latency_histogram;
        let (requests, active) = (Family::new_with_constructor(new), Gauge::default());
        metrics.register(
            "http_server_request_duration_seconds",
            "How long requests took",
            requests.clone(),
        );
        metrics.register(
            "http_server_active_requests",
            "Requests that are under way",
            active.clone(),
        );
        Self { requests, active }
    }

    fn enter(&self) -> Active<'_> {
        self.active.inc();
        Active(&self.active)
    }

    /// The histogram of a method, route and status.
    fn requests_of(&self, method: &Method, route: Option<&'static str>, status: StatusCode) -> Histogram {
        let method = match *method {
            Method::GET => "GET",
            Method::POST => "POST",
            Method::PUT => "PUT",
            Method::DELETE => "DELETE",
            Method::HEAD => "HEAD",
            Method::PATCH => "PATCH",
            Method::OPTIONS => "OPTIONS",
            _ => "_OTHER",
        };
        let route = route.unwrap_or("other");
        self.requests.get_or_create(&Labels { method, route, status }).clone()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use metrics::Samples;
    use poem::endpoint::make;
    use tokio::{io::AsyncWriteExt, net::TcpStream, sync::Notify, time::timeout};
    use tokio_util::{sync::CancellationToken, task::TaskTracker};

    use super::*;
    use crate::http::{BoundListener, Server};

    const WAIT_TIMEOUT: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn a_request_whose_client_hangs_up_is_counted_with_status_499() {
        let metrics = MetricsRegistry::new("test");
        let begun = std::sync::Arc::new(Notify::new());
        let endless = {
            let begun = std::sync::Arc::clone(&begun);
            make(move |_| {
                begun.notify_one();
                std::future::pending::<poem::Result<()>>()
            })
        };
        let document = serde_json::json!({"paths": {"/api/v1/orders": {"post": {}}}});
        let endpoint = Observed::new(endless, Arc::new(DocumentedPaths::of(&document)), Meters::of(&metrics));
        let listener = BoundListener::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let (addr, shutdown, tasks) = (listener.addr, CancellationToken::new(), TaskTracker::new());
        Server::new(endpoint).serve(listener, shutdown.clone().into(), &tasks);

        let mut client = TcpStream::connect(addr).await.unwrap();
        client
            .write_all(b"POST /api/v1/orders HTTP/1.1\r\nhost: test\r\ncontent-length: 0\r\n\r\n")
            .await
            .unwrap();
        timeout(WAIT_TIMEOUT, begun.notified()).await.unwrap();
        drop(client);
        let line = "http_server_request_duration_seconds_count{service=\"test\",http_request_method=\"POST\",\
                    http_route=\"/api/v1/orders\",http_response_status_code=\"499\"} 1";
        let mut ticks = tokio::time::interval(Duration::from_millis(10));
        let counted = async {
            while !metrics.text(Samples::default()).contains(line) {
                ticks.tick().await;
            }
        };
        timeout(WAIT_TIMEOUT, counted).await.unwrap();
        shutdown.cancel();
        tasks.close();
        timeout(WAIT_TIMEOUT, tasks.wait()).await.unwrap();
    }
}
