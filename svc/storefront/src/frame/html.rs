use http::StatusCode;
use poem::{Body, Response};

use super::Policy;

/// Returns a response with a page.
pub(super) fn html(status: StatusCode, body: impl Into<Body>, policy: &Policy) -> Response {
    let mut response = Response::builder()
        .status(status)
        .content_type("text/html; charset=utf-8")
        .body(body.into());
    policy.set(response.headers_mut());
    response
}
