use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde::{Serialize, de::DeserializeOwned};

use super::{ApiError, Service};

/// A request to a service.
#[derive(Clone, Debug)]
pub(crate) struct ApiRequest {
    pub(super) service: Service,
    pub(super) method: Method,
    /// Path and query.
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl ApiRequest {
    fn new(service: Service, method: Method, path: impl Into<String>) -> Self {
        Self {
            service,
            method,
            path: path.into(),
            headers: HeaderMap::new(),
            body: Vec::new(),
        }
    }

    pub(crate) fn get(service: Service, path: impl Into<String>) -> Self {
        Self::new(service, Method::GET, path)
    }

    /// Requests a page of a list. The path has a query.
    pub(crate) fn get_at(service: Service, path: String, cursor: Option<&str>) -> Self {
        let mut query = url::form_urlencoded::Serializer::new(path);
        if let Some(cursor) = cursor {
            query.append_pair("cursor", cursor);
        }
        Self::get(service, query.finish())
    }

    pub(crate) fn delete(service: Service, path: impl Into<String>) -> Self {
        Self::new(service, Method::DELETE, path)
    }

    /// A POST without a body.
    pub(crate) fn post(service: Service, path: impl Into<String>) -> Self {
        Self::new(service, Method::POST, path)
    }

    pub(crate) fn patch(service: Service, path: impl Into<String>) -> Self {
        Self::new(service, Method::PATCH, path)
    }

    pub(crate) fn put(service: Service, path: impl Into<String>) -> Self {
        Self::new(service, Method::PUT, path)
    }

    pub(crate) const fn service(&self) -> Service {
        self.service
    }

    /// Whether the operation needs no access token: those that set or clear it.
    pub(crate) fn is_for_anybody(&self) -> bool {
        let tokens = [
            "/api/v1/auth/signup",
            "/api/v1/auth/signin",
            "/api/v1/auth/signin/second-factor",
            "/api/v1/auth/refresh",
            "/api/v1/auth/signout",
        ];
        self.service == Service::Auth && tokens.contains(&self.path.as_str())
    }

    /// Sets the body.
    pub(crate) fn json(mut self, body: &impl Serialize) -> Self {
        // A body is a struct or a JSON value of ours, which always serialises.
        self.body = serde_json::to_vec(body).unwrap_or_default();
        self.with(header::CONTENT_TYPE, "application/json")
    }

    /// Sets a body that is not JSON.
    pub(crate) fn bytes(mut self, content_type: &str, body: Vec<u8>) -> Self {
        self.body = body;
        self.with(header::CONTENT_TYPE, content_type)
    }

    /// Makes a repeated request have the effect of the first one.
    pub(crate) fn idempotency_key(self, key: &str) -> Self {
        self.with(HeaderName::from_static("idempotency-key"), key)
    }

    /// Changes only this version of the resource.
    pub(crate) fn if_match(self, etag: &str) -> Self {
        self.with(header::IF_MATCH, etag)
    }

    /// Sets a header. A value that no header can have is left out: the service refuses what it needs and does not get.
    pub(crate) fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }
}

/// A successful response of a service.
#[derive(Debug)]
pub(crate) struct ApiResponse {
    pub(super) service: Service,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl ApiResponse {
    /// Parses the body.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        serde_json::from_slice(&self.body).map_err(|error| ApiError::Unreadable {
            service: self.service,
            reason: error.to_string(),
        })
    }

    /// Returns a header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}
