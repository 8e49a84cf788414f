use std::time::Duration;

use poem::{
    IntoResponse, Response,
    http::{HeaderValue, StatusCode, header},
};
use problem::Problem;

use crate::http::request_id;

/// When a client may retry.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// Whether a path is served however many connections are open: those who watch the service depend on it.
pub(super) fn is_always_served(path: &str) -> bool {
    path == "/metrics" || path == "/health" || path.starts_with("/health/")
}

/// Returns the response to a request on a connection beyond the maximum.
pub(super) fn too_many_connections() -> Response {
    unavailable("the service has too many connections; nothing was changed")
}

/// Returns the response to a reading request whose response is larger than what the server can hold for its client.
pub(super) fn too_many_responses() -> Response {
    unavailable("the client has not accepted its previous responses yet; nothing was changed")
}

fn unavailable(detail: &str) -> Response {
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not possible for now")
        .detail(detail)
        .retry_after(RETRY_AFTER);
    let mut response = problem.into_response();
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    request_id::set_new(&mut response);
    response
}
