use std::{borrow::Cow, time::Instant};

use metrics::{Family, Gauge, Histogram, MetricsRegistry, latency_histogram};
use poem::{
    Endpoint, IntoResponse, Request, Response,
    http::{HeaderValue, Method, StatusCode, header},
};
use trace::{Context, Kind, Span, Trace};

use crate::http::DocumentedPaths;

/// The paths of the chassis, besides the API. Requests to them are counted, but have no spans.
pub(crate) const CHASSIS_PATHS: [&str; 5] = ["/health/live", "/health/ready", "/metrics", "/docs", "/openapi.json"];

/// Runs each request as a step of its trace, renders what was refused, counts, times and logs the outcome.
pub(crate) struct Observed<E> {
    inner: E,
    paths: DocumentedPaths,
    meters: Meters,
    here: Context,
}

impl<E: Endpoint> Observed<E> {
    pub(crate) fn new(inner: E, paths: DocumentedPaths, meters: Meters) -> Self {
        Self {
            inner,
            paths,
            meters,
            here: trace::context(),
        }
    }

    fn route(&self, path: &str) -> Option<&str> {
        CHASSIS_PATHS
            .into_iter()
            .find(|own| *own == path)
            .or_else(|| self.paths.route(path))
    }

    /// <https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server-span>. The query is left out: it may
    /// hold a secret.
    fn step(&self, request: &Request, route: Option<&str>) -> Span {
        let caller = request
            .header("traceparent")
            .and_then(|header| header.parse::<Trace>().ok());
        let api = route.filter(|route| !CHASSIS_PATHS.contains(route));
        let here = if api.is_some() {
            self.here.clone()
        } else {
            self.here.clone().unrecorded()
        };
        let method = request.method();
        let mut step = here.enter(
            Kind::Server,
            format_args!("{method} {}", api.unwrap_or_default()),
            caller,
        );
        if step.is_recorded() {
            step.set("http.request.method", method.to_string());
            step.set("http.route", api.unwrap_or_default().to_owned());
            step.set("url.path", request.uri().path().to_owned());
            step.set("url.scheme", "http");
        }
        step
    }

    async fn answer(&self, request: Request, path: &str) -> Response {
        let mut response = match self.inner.call(request).await {
            Ok(response) => response.into_response(),
            Err(error) => problem::from_error(error, |number| self.paths.parameter(path, number)),
        };
        let refused = response.status() == StatusCode::METHOD_NOT_ALLOWED;
        let allowed = refused.then(|| self.paths.methods(path)).flatten();
        let headers = response.headers_mut();
        if let Some(allowed) = allowed.and_then(|methods| HeaderValue::from_str(&methods).ok()) {
            headers.insert(header::ALLOW, allowed);
        }
        headers
            .entry(header::CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Some(id) = trace::current().and_then(|trace| HeaderValue::from_str(&trace.id()).ok()) {
            headers.insert("x-request-id", id);
        }
        response
    }
}

impl<E: Endpoint> Endpoint for Observed<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let _active = self.meters.enter();
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let route = self.route(&path);
        let mut step = self.step(&request, route);
        let began = Instant::now();
        let work = async {
            let response = self.answer(request, &path).await;
            let (status, took) = (response.status(), began.elapsed());
            tracing::debug!(%method, path, status = status.as_u16(), millis = took.as_millis(), "answered");
            (response, took)
        };
        let (response, took) = step.context().scope(work).await;
        let status = response.status();
        step.set("http.response.status_code", status.as_u16());
        if status.is_server_error() {
            step.set("error.type", status.as_str().to_owned());
            step.fail(status);
        }
        self.meters.answered(&method, route, status).observe(took.as_secs_f64());
        Ok(response)
    }
}

type Labels = [(&'static str, Cow<'static, str>); 3];

/// Requests, by OpenTelemetry's names (<https://opentelemetry.io/docs/specs/semconv/http/http-metrics/>).
#[derive(Clone)]
pub(crate) struct Meters {
    requests: Family<Labels, Histogram, fn() -> Histogram>,
    active: Gauge,
}

/// A request that is under way, even if its client goes away.
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

    /// No label is what the client wrote: there are as many series as there are routes, methods and statuses.
    fn answered(&self, method: &Method, route: Option<&str>, status: StatusCode) -> Histogram {
        let known = [
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::DELETE,
            Method::HEAD,
            Method::PATCH,
            Method::OPTIONS,
        ];
        let method = if known.contains(method) {
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
