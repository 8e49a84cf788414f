use std::fmt;

use futures_util::FutureExt;
use poem::{IntoResponse, Response, http::StatusCode};
use poem_openapi::{
    ApiResponse,
    registry::{MetaResponses, Registry},
};

use crate::IdempotentRequest;

/// A response that is stored for repetitions, as bytes; the OpenAPI document describes it as `R`.
///
/// A response to a request without a key is not stored. It is rendered where it is sent, and not on the writer's thread.
pub struct StoredResponse<R>(Content<R>);

enum Content<R> {
    Rendered(Rendered),
    NotStored(R),
}

struct Rendered {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl<R> StoredResponse<R> {
    /// Returns the response to a request: rendered to the bytes that the client receives if the request has a key.
    pub fn new(request: &IdempotentRequest, response: R) -> Self
    where
        R: IntoResponse,
    {
        Self(match request.key {
            Some(_) => Content::Rendered(Rendered::new(response)),
            None => Content::NotStored(response),
        })
    }

    pub(crate) fn stored(status: u16, headers: &str, body: Vec<u8>) -> Self {
        let headers = serde_json::from_str(headers).unwrap_or_default();
        Self(Content::Rendered(Rendered { status, headers, body }))
    }

    /// Returns status, headers and body as they are stored; `None` if they are not.
    pub(crate) fn parts(&self) -> Option<(u16, String, &[u8])> {
        let Content::Rendered(Rendered { status, headers, body }) = &self.0 else {
            return None;
        };
        Some((*status, serde_json::to_string(headers).unwrap_or_default(), body))
    }
}

impl Rendered {
    fn new(response: impl IntoResponse) -> Self {
        let response = response.into_response();
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
            .collect();
        // Responses are complete in memory, so their bytes are available at once.
        let body = response
            .into_body()
            .into_bytes()
            .now_or_never()
            .and_then(Result::ok)
            .unwrap_or_default()
            .to_vec();
        Self { status, headers, body }
    }
}

impl IntoResponse for Rendered {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = Response::builder().status(status);
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        response.body(self.body)
    }
}

impl<R: IntoResponse> IntoResponse for StoredResponse<R> {
    fn into_response(self) -> Response {
        match self.0 {
            Content::Rendered(rendered) => rendered.into_response(),
            Content::NotStored(response) => response.into_response(),
        }
    }
}

impl<R: ApiResponse> ApiResponse for StoredResponse<R> {
    fn meta() -> MetaResponses {
        R::meta()
    }

    fn register(registry: &mut Registry) {
        R::register(registry);
    }
}

impl<R> fmt::Debug for StoredResponse<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Content::Rendered(Rendered { status, body, .. }) => write!(f, "status {status} with {} bytes", body.len()),
            Content::NotStored(_) => f.write_str("not stored"),
        }
    }
}
