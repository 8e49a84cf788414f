use std::{any::Any, sync::Arc};

use audit::Refusals;
use poem::{
    EndpointExt, IntoEndpoint, IntoResponse, Request, Route,
    endpoint::{BoxEndpoint, make, make_sync},
    get,
    http::StatusCode,
    middleware::{CatchPanic, PanicHandler},
    web::Json,
};
use serde_json::json;
use token::TrustedOrigins;
use tokio::sync::watch;

use super::{
    CHASSIS_PATHS, DocumentedPaths, MetricsEndpoint, OwnPaths, Prepared, Problems, Readiness,
    cors::Cors,
    denials::Denials,
    documents::document_routes,
    openapi::{openapi_document, openapi_service},
};
use crate::{
    OperatorError, Service, TrustedProxies,
    observed::{Meters, Observed},
    recovery::RecoveryGate,
};

/// Who may write with the session cookie from other sites, and who states the client's address.
pub(crate) struct Trust {
    pub(crate) origins: TrustedOrigins,
    pub(crate) proxies: TrustedProxies,
}

/// Builds the endpoint of a service: its API, health, metrics and documents.
pub(crate) fn endpoint<S: Service>(
    app: S::App,
    verifier: token::Verifier,
    trust: Trust,
    readiness: Readiness,
    recovered: watch::Receiver<bool>,
    metrics: MetricsEndpoint,
    refusals: Refusals,
) -> BoxEndpoint<'static> {
    let document = openapi_document::<S>();
    let paths = Arc::new(DocumentedPaths::of(&document));
    let meters = Meters::of(metrics.registry());
    let ready = make(move |_| {
        let readiness = readiness.clone();
        async move {
            let (ready, checks) = readiness.check().await;
            let status = if ready {
                StatusCode::OK
            } else {
                StatusCode::SERVICE_UNAVAILABLE
            };
            Json(json!({"ready": ready, "checks": checks})).with_status(status)
        }
    });
    let own = Route::new()
        .at("/health/live", get(make_sync(|_| Json(json!({"live": true})))))
        .at("/health/ready", get(ready))
        .at("/metrics", get(metrics));
    let routes = OwnPaths {
        paths: &CHASSIS_PATHS,
        own: document_routes(own, openapi_document::<S>).boxed(),
        others: Arc::new(openapi_service::<S>().into_endpoint()),
    };
    let routes = routes.with(CatchPanic::new().with_handler(PanicToProblem));
    let problems = Problems::new(RecoveryGate::new(routes, recovered), Arc::clone(&paths));
    let observed = Observed::new(problems, Arc::clone(&paths), meters);
    let audited = Denials::new(observed, refusals, paths);
    let origins = trust.origins.clone();
    let prepared = Prepared::new(audited, move |request: &mut Request| {
        request.set_data(app.clone());
        request.set_data(verifier.clone());
        request.set_data(origins.clone());
        request.set_data(trust.proxies.clone());
    });
    Cors::new(prepared, trust.origins).boxed()
}

/// Answers a panic of a handler with a problem of status 500.
#[derive(Clone)]
struct PanicToProblem;

impl PanicHandler for PanicToProblem {
    type Response = problem::Problem;

    fn get_response(&self, panic: Box<dyn Any + Send + 'static>) -> Self::Response {
        let message = panic.downcast_ref::<&str>().map(ToString::to_string);
        let message = message
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        problem::Problem::internal(&OperatorError(format!("a handler panicked: {message}")))
    }
}

#[cfg(test)]
mod tests {
    use poem::{Endpoint, Response};

    use super::*;

    #[tokio::test]
    async fn a_panic_of_a_handler_is_a_problem_that_says_nothing_of_it() {
        let routes = OwnPaths {
            paths: &CHASSIS_PATHS,
            own: Route::new().boxed(),
            others: Arc::new(make_sync(|_| -> Response { panic!("a secret") }).boxed()),
        };
        let endpoint = routes.with(CatchPanic::new().with_handler(PanicToProblem));
        let response = endpoint.get_response(Request::default()).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(
            response.content_type(),
            Some("application/problem+json"),
            "{:?}",
            response.headers()
        );
        let body = response.into_body().into_string().await.unwrap();
        assert!(!body.contains("secret"), "{body}");
    }
}
