use std::{borrow::Cow, time::Instant};

use metrics::{Family, Gauge, Histogram, MetricsRegistry, latency_histogram};
use poem::{
    Endpoint, IntoResponse, Request, Response,
    http::{HeaderValue, Method, StatusCode, header},
};
use problem::Problem;
use telemetry::{Span, SpanKind, Traceparent};
use tracing::Instrument;

use crate::http::{CHASSIS_PATHS, DocumentedPaths, request_id};

/// Runs each request in a span, renders its error as a problem, counts, times and logs its outcome.
pub(crate) struct Observed<E> {
    inner: E,
    paths: DocumentedPaths,
    meters: Meters,
    /// The span of the service.
    service: tracing::Span,
}

impl<E: Endpoint> Observed<E> {
    pub(crate) fn new(inner: E, paths: DocumentedPaths, meters: Meters) -> Self {
        Self {
            inner,
            paths,
            meters,
            service: tracing::Span::current(),
        }
    }

    fn route(&self, path: &str) -> Option<&str> {
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
            span.set("url.path", request.uri().path().to_owned());
            span.set("url.scheme", "http");
        }
        span
    }

    async fn respond(&self, request: Request, path: &str) -> Response {
        let mut response = if let Some(part) = self.paths.undecodable(path) {
            Problem::malformed("A part of the path is not as it must be.")
                .field(part, "must be UTF-8 in percent-encoding")
                .into_response()
        } else {
            match self.inner.call(request).await {
                Ok(response) => response.into_response(),
                Err(error) => problem::from_error(error, |number| self.paths.parameter(path, number)),
            }
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
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        request_id::set_current(&mut response);
        response
    }
}

impl<E: Endpoint> Endpoint for Observed<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let _active = self.meters.enter();
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let route = self.route(&path);
        let span = self.start_span(&request, route);
        let started = Instant::now();
        let work = async {
            let response = self.respond(request, &path).await;
            let (status, took) = (response.status(), started.elapsed());
            tracing::debug!(%method, path, status = status.as_u16(), millis = took.as_millis(), "answered");
            (response, took)
        };
        let (response, took) = work.instrument(span.to_tracing()).await;
        let status = response.status();
        span.set("http.response.status_code", i64::from(status.as_u16()));
        if status.is_server_error() {
            span.set("error.type", status.as_str().to_owned());
            span.fail(status);
        }
        self.meters
            .requests_of(&method, route, status)
            .observe(took.as_secs_f64());
        Ok(response)
    }
}

type Labels = [(&'static str, Cow<'static, str>); 3];

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

    /// The histogram of a route, method and status. No label is a text of the client, so the number of series is bounded.
    fn requests_of(&self, method: &Method, route: Option<&str>, status: StatusCode) -> Histogram {
        let known_methods = [
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::DELETE,
            Method::HEAD,
            Method::PATCH,
            Method::OPTIONS,
        ];
        let method = if known_methods.contains(method) {
            Cow::Owned(method.to_string())
        } else {
            "_OTHER".into()
        };
        let labels = [
            ("http_request_method", method),
            (
                "http_route",
                route.map_or("other".into(), |route| Cow::Owned(route.to_owned())),
            ),
            ("http_response_status_code", Cow::Owned(status.as_str().to_owned())),
        ];
        self.requests.get_or_create(&labels).clone()
    }
}
