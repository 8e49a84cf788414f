use std::marker::PhantomData;

use futures_util::FutureExt;
use poem::{IntoResponse, Response, http::StatusCode};
use poem_openapi::{
    ApiResponse,
    registry::{MetaResponses, Registry},
};

/// A response as bytes; the OpenAPI document describes it as `R`.
#[derive(Debug)]
pub struct StoredResponse<R> {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    described_as: PhantomData<fn() -> R>,
}

impl<R> StoredResponse<R> {
    /// Renders a response to the bytes that the client receives.
    pub fn render(response: impl IntoResponse) -> Self {
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
        Self {
            status,
            headers,
            body,
            described_as: PhantomData,
        }
    }

    pub(crate) fn stored(status: u16, headers: &str, body: Vec<u8>) -> Self {
        let headers = serde_json::from_str(headers).unwrap_or_default();
        Self {
            status,
            headers,
            body,
            described_as: PhantomData,
        }
    }

    pub(crate) fn parts(&self) -> (u16, String, &[u8]) {
        (
            self.status,
            serde_json::to_string(&self.headers).unwrap_or_default(),
            &self.body,
        )
    }
}

impl<R: Send> IntoResponse for StoredResponse<R> {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = Response::builder().status(status);
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        response.body(self.body)
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
