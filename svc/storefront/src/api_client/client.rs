use std::{net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use chassis::site::SiteContext;
use fetch::{FetchLimits, Fetcher};
use http::{HeaderName, HeaderValue, Method, Request, header};

use super::{ApiError, ApiRequest, ApiResponse, addresses::Addresses};
use crate::Settings;

/// The timeout of a read.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// The timeout of a write: passwords wait for a processor, payments for Stripe.
const WRITE_TIMEOUT: Duration = Duration::from_secs(35);

/// The size of a response: a picture, or a file of all personal data.
const MAX_BYTES: usize = 16 * 1024 * 1024;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Calls services in the name of somebody.
pub(crate) trait Caller {
    /// Sends a request. A response that is not a success is an error.
    fn send(&self, request: ApiRequest) -> impl Future<Output = Result<ApiResponse, ApiError>> + Send;
}

/// The client of all services. It keeps connections open.
pub(crate) struct ApiClient {
    fetcher: Fetcher,
    addresses: Addresses,
}

/// On whose behalf a request is sent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Credentials<'a> {
    /// The address of the person, by which services limit what a network may do. Without one it is ours.
    pub(crate) client: Option<IpAddr>,
    /// The header `Cookie`.
    pub(crate) cookies: Option<&'a str>,
    /// What the browser states that it is: the list of a person's sessions names it.
    pub(crate) user_agent: Option<&'a HeaderValue>,
}

impl ApiClient {
    pub(crate) fn new(context: &SiteContext, settings: &Settings) -> Arc<Self> {
        Arc::new(Self {
            fetcher: Fetcher::new(
                FetchLimits {
                    connect: Duration::from_secs(2),
                    bytes: MAX_BYTES,
                    idle_connections: 64,
                    local_address: settings.local_address,
                },
                None,
            ),
            addresses: Addresses::new(context, settings),
        })
    }

    /// Sends a request on somebody's behalf, once.
    pub(crate) async fn send(
        &self,
        request: ApiRequest,
        credentials: Credentials<'_>,
    ) -> Result<ApiResponse, ApiError> {
        let service = request.service;
        let unavailable = |reason| ApiError::Unavailable { service, reason };
        let is_read = request.method == Method::GET;
        let origin = self.addresses.origin(service).map_err(unavailable)?;
        let request = to_http(request, &origin, credentials).map_err(unavailable)?;
        let timeout = if is_read { READ_TIMEOUT } else { WRITE_TIMEOUT };
        let fetched = self.fetcher.send(request, timeout).await.map_err(unavailable)?;
        if !fetched.status.is_success() && fetched.status != http::StatusCode::NOT_MODIFIED {
            return Err(ApiError::of_response(
                service,
                fetched.status,
                &fetched.headers,
                &fetched.body,
            ));
        }
        Ok(ApiResponse {
            service,
            status: fetched.status,
            headers: fetched.headers,
            body: fetched.body,
        })
    }
}

fn to_http(request: ApiRequest, origin: &str, credentials: Credentials<'_>) -> Result<Request<Bytes>, String> {
    let built = Request::builder()
        .method(request.method)
        .uri(format!("{origin}{}", request.path))
        .body(Bytes::from(request.body));
    let mut built = built.map_err(|error| error.to_string())?;
    let headers = built.headers_mut();
    headers.extend(request.headers);
    let client = credentials.client.map(|address| address.to_string());
    let cookies = credentials.cookies.map(ToOwned::to_owned);
    if let Some(user_agent) = credentials.user_agent {
        headers.insert(header::USER_AGENT, user_agent.clone());
    }
    let trace = telemetry::current_traceparent().map(|trace| trace.to_string());
    for (name, value) in [(FORWARDED_FOR, client), (header::COOKIE, cookies), (TRACEPARENT, trace)] {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            headers.insert(name, value);
        }
    }
    Ok(built)
}

/// Calls services without cookies, for what everybody may see.
pub(crate) struct Anonymous<'a>(pub(crate) &'a ApiClient);

impl Caller for Anonymous<'_> {
    async fn send(&self, request: ApiRequest) -> Result<ApiResponse, ApiError> {
        self.0.send(request, Credentials::default()).await
    }
}
