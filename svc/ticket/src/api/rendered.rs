//! Bodies that are rendered once and sent many times.

use std::marker::PhantomData;

use bytes::Bytes;
use poem::{
    IntoResponse, Response,
    http::{HeaderValue, header},
};
use poem_openapi::{
    ApiResponse,
    payload::{Json, Payload},
    registry::{MetaResponses, MetaSchemaRef, Registry},
    types::{ToJSON, Type},
};
use serde::Serialize;

/// The number of headers that a response has room for: those of this service, and those that every response has.
const HEADERS: usize = 8;

/// The JSON of a `T`, as bytes. Clones share them. The OpenAPI document describes it as `Json<T>`.
#[derive(Debug)]
pub(crate) struct Rendered<T> {
    body: Bytes,
    described_as: PhantomData<fn() -> T>,
}

impl<T: Serialize> Rendered<T> {
    pub(crate) fn new(value: &T) -> Self {
        Self {
            // Views always serialise.
            body: serde_json::to_vec(value).unwrap_or_default().into(),
            described_as: PhantomData,
        }
    }
}

impl<T> Rendered<T> {
    /// Returns the number of bytes.
    pub(crate) fn len(&self) -> usize {
        self.body.len()
    }
}

impl<T> Clone for Rendered<T> {
    fn clone(&self) -> Self {
        Self {
            body: self.body.clone(),
            described_as: PhantomData,
        }
    }
}

impl<T> IntoResponse for Rendered<T> {
    fn into_response(self) -> Response {
        let mut response = Response::from(self.body);
        let content_type = HeaderValue::from_static("application/json; charset=utf-8");
        let headers = response.headers_mut();
        // Room for those that are added later: a map that grows is copied.
        headers.reserve(HEADERS);
        headers.insert(header::CONTENT_TYPE, content_type);
        response
    }
}

impl<T: Type> Payload for Rendered<T> {
    const CONTENT_TYPE: &'static str = Json::<T>::CONTENT_TYPE;

    fn schema_ref() -> MetaSchemaRef {
        Json::<T>::schema_ref()
    }

    fn register(registry: &mut Registry) {
        <Json<T> as Payload>::register(registry);
    }
}

impl<T: ToJSON> ApiResponse for Rendered<T> {
    fn meta() -> MetaResponses {
        Json::<T>::meta()
    }

    fn register(registry: &mut Registry) {
        <Json<T> as ApiResponse>::register(registry);
    }
}
