use std::{io, time::Duration};

use poem::{
    IntoResponse, Response,
    error::ReadBodyError,
    http::{HeaderValue, Method, StatusCode, header},
};
use problem::{BODY_LIMIT, Problem};

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

/// Returns the response to a request whose body there is no room for.
pub(super) fn too_many_bodies() -> Response {
    unavailable("the service receives too much data; nothing was changed")
}

/// Returns the response to a request with content where there can be none.
pub(super) fn content(method: &Method) -> Response {
    response(Problem::malformed(format_args!("A {method} request has no body here.")))
}

/// Returns the response to a request whose body could not be read.
pub(super) fn unreadable(error: io::Error) -> Response {
    response(problem::unreadable_body(&ReadBodyError::Io(error), BODY_LIMIT))
}

fn unavailable(detail: &str) -> Response {
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not possible for now");
    response(problem.detail(detail).retry_after(RETRY_AFTER))
}

fn response(problem: Problem) -> Response {
    let mut response = problem.into_response();
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    request_id::set_new(&mut response);
    response
}
