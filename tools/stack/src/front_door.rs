//! The front door: one address for all services and the storefront. It hands each request to the service that its path belongs
//! to, in this process; what is no part of the API is a page of the storefront.

use std::{collections::BTreeSet, sync::Arc};

use chassis::RequestIds;
use poem::{
    Endpoint, EndpointExt, IntoResponse, Request, Response, Route,
    endpoint::{BoxEndpoint, DynEndpoint, make},
    get,
    http::{HeaderValue, StatusCode, Uri, header},
    web::Json,
};
use serde_json::{Map, Value, json};

use crate::specs;

/// A service behind the front door.
#[derive(Clone)]
pub(crate) struct Upstream {
    pub(crate) name: &'static str,
    /// The path prefixes that it serves: `/api/v1/orders`.
    pub(crate) prefixes: BTreeSet<String>,
    pub(crate) endpoint: Arc<BoxEndpoint<'static>>,
}

/// The pages of the storefront.
pub(crate) type StorefrontPages = Arc<BoxEndpoint<'static, Response>>;

/// Returns the front door's endpoint.
pub(crate) fn endpoint(
    upstreams: Vec<Upstream>,
    storefront: StorefrontPages,
) -> impl Endpoint<Output = Response> + 'static {
    FrontDoor {
        own: own_documents(upstreams.clone()),
        upstreams,
        storefront,
    }
}

struct FrontDoor {
    upstreams: Vec<Upstream>,
    /// Documents of the API, and the health of all services.
    own: BoxEndpoint<'static, Response>,
    storefront: StorefrontPages,
}

/// The paths that are no pages, with what is below them. Those that are not served are here so that they are 404 as in
/// production, where the ingress does not forward them.
const NO_PAGES: [&str; 5] = ["/api", "/docs", "/health", "/metrics", "/openapi.json"];

impl Endpoint for FrontDoor {
    type Output = Response;

    /// Passes the request on unchanged, with the client's address. A `Route` would build the URI of each
    /// request anew.
    fn call(&self, request: Request) -> impl Future<Output = poem::Result<Response>> + Send {
        let path = request.uri().path();
        let endpoint = match self.upstreams.iter().find(|upstream| upstream.serves(path)) {
            Some(upstream) => &*upstream.endpoint,
            None if NO_PAGES.iter().any(|own| is_at_or_below(path, own)) => &self.own,
            None => &*self.storefront,
        };
        DynEndpoint::call(&**endpoint, request)
    }
}

impl Upstream {
    fn serves(&self, path: &str) -> bool {
        self.prefixes.iter().any(|prefix| is_at_or_below(path, prefix))
    }
}

fn is_at_or_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn own_documents(upstreams: Vec<Upstream>) -> BoxEndpoint<'static, Response> {
    let health = make(move |_| {
        let upstreams = upstreams.clone();
        async move { health(&upstreams).await }
    });
    let pages = chassis::document_routes(Route::new(), specs::merged)
        .at("/health", get(health))
        .catch_all_error(|error| async move { problem::from_error(error, |_| None) })
        .after(|result: poem::Result<_>| async { result.map(allow_reading) });
    RequestIds(pages).boxed()
}

/// All pages can only be read.
fn allow_reading(response: impl IntoResponse) -> Response {
    let mut response = response.into_response();
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        let methods = HeaderValue::from_static("GET, HEAD");
        response.headers_mut().insert(header::ALLOW, methods);
    }
    response
}

/// Returns whether every service is ready, with what each reports about its storage and the broker.
async fn health(upstreams: &[Upstream]) -> Response {
    let (mut all_ready, mut services) = (true, Map::new());
    for upstream in upstreams {
        let request = Request::builder().uri(Uri::from_static("/health/ready")).finish();
        let response = upstream.endpoint.get_response(request).await;
        all_ready &= response.status().is_success();
        let report = response.into_body().into_json::<Value>().await.unwrap_or_default();
        services.insert(upstream.name.to_owned(), report);
    }
    let status = if all_ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    Json(json!({"ready": all_ready, "services": services}))
        .with_status(status)
        .into_response()
}
