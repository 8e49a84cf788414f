//! Requests to the peers of a service: bounded in time and size, over HTTP or TLS.

use std::{error::Error, fmt, net::IpAddr, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use tls::ClientTls;
use url::Url;

/// A client of one peer. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Fetcher {
    http: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    max_bytes: usize,
    has_tls: bool,
}

/// The limits of a [`Fetcher`].
#[derive(Clone, Copy, Debug)]
pub struct FetchLimits {
    /// The time that connecting may take, without the handshake of TLS.
    pub connect: Duration,
    /// The size of a response.
    pub bytes: usize,
    /// The number of idle connections that are kept.
    pub idle_connections: usize,
    /// The address of this machine to connect from; `None` for the usual one.
    pub local_address: Option<IpAddr>,
}

/// A whole response.
#[derive(Debug)]
pub struct Fetched {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Fetcher {
    /// Creates a client. Without `tls` it can only fetch `http` URLs.
    pub fn new(limits: FetchLimits, tls: Option<&ClientTls>) -> Self {
        let mut http = HttpConnector::new();
        http.set_connect_timeout(Some(limits.connect));
        http.set_nodelay(true);
        http.set_local_address(limits.local_address);
        http.enforce_http(false);
        let config = tls.map_or_else(|| ClientTls::trusting_none().config(), ClientTls::config);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        let http = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(limits.idle_connections)
            .build(connector);
        Self {
            http,
            max_bytes: limits.bytes,
            has_tls: tls.is_some(),
        }
    }

    /// Fetches `url` within `timeout`.
    ///
    /// # Errors
    ///
    /// One line, without the URL: what failed, with its causes.
    pub async fn get(
        &self,
        url: &Url,
        header: Option<(HeaderName, HeaderValue)>,
        timeout: Duration,
    ) -> Result<Fetched, String> {
        let mut request = Request::get(url.as_str())
            .body(Bytes::new())
            .map_err(|error| one_line(&error))?;
        request.headers_mut().extend(header);
        self.send(request, timeout).await
    }

    /// Sends a request, whose URI is absolute, and reads the response within `timeout`.
    ///
    /// # Errors
    ///
    /// One line, without the URL: what failed, with its causes.
    pub async fn send(&self, request: Request<Bytes>, timeout: Duration) -> Result<Fetched, String> {
        if request.uri().scheme_str() == Some("https") && !self.has_tls {
            return Err("TLS is not configured".to_owned());
        }
        tokio::time::timeout(timeout, self.exchange(request.map(Full::new)))
            .await
            .unwrap_or_else(|_| Err(format!("it did not answer within {} s", timeout.as_secs())))
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Fetched, String> {
        let response = self.http.request(request).await.map_err(|error| one_line(&error))?;
        let (head, mut stream) = response.into_parts();
        let mut body = Vec::new();
        while let Some(frame) = stream.frame().await {
            let frame = frame.map_err(|error| one_line(&error))?;
            if let Some(part) = frame.data_ref() {
                body.extend_from_slice(part);
            }
            if body.len() > self.max_bytes {
                return Err("its answer is too long".to_owned());
            }
        }
        Ok(Fetched {
            status: head.status,
            headers: head.headers,
            body,
        })
    }
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetcher")
            .field("max_bytes", &self.max_bytes)
            .field("has_tls", &self.has_tls)
            .finish_non_exhaustive()
    }
}

/// Formats an error with its causes in one line: the outermost names none of them.
fn one_line(error: &(dyn Error + 'static)) -> String {
    if let Some(reason) = tls::describe(error) {
        return reason;
    }
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
