use std::future::ready;

use futures_util::{TryFutureExt, future::Either};
use poem::{
    Endpoint, IntoResponse, Request, Response,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
};
use token::TrustedOrigins;

use super::request_id;

/// Headers that a page may send.
const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, idempotency-key, if-match, if-none-match, traceparent, tracestate",
);

/// Methods that a page may use.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");

/// Headers of responses that a page may read, besides those that are always readable.
const RESPONSE_HEADERS: HeaderValue = HeaderValue::from_static(
    "allow, etag, idempotent-replayed, link, location, retry-after, www-authenticate, x-request-id",
);

/// The time in seconds for which a browser may remember the answer to a preflight: no browser remembers longer than two
/// hours.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

/// Lets pages of other origins read responses and send what needs a preflight (<https://fetch.spec.whatwg.org/#http-cors-protocol>):
/// those of `--allowed-origins`, compared exactly. Requests of all others are served without these headers.
pub(crate) struct Cors<E> {
    inner: E,
    origins: TrustedOrigins,
}

impl<E> Cors<E> {
    pub(crate) const fn new(inner: E, origins: TrustedOrigins) -> Self {
        Self { inner, origins }
    }

    /// Returns the origin of a request, if it is allowed.
    fn allowed(&self, request: &HeaderMap) -> Option<HeaderValue> {
        let mut origins = request.get_all(header::ORIGIN).iter();
        let (Some(origin), None) = (origins.next(), origins.next()) else {
            return None;
        };
        let is_allowed = self.origins.0.iter().any(|known| known.as_bytes() == origin.as_bytes());
        is_allowed.then(|| origin.clone())
    }

    fn set_headers(&self, headers: &mut HeaderMap, allowed: Option<HeaderValue>, is_preflight: bool) {
        if self.origins.0.is_empty() {
            return;
        }
        headers.append(header::VARY, HeaderValue::from_static("origin"));
        if let Some(origin) = allowed {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(
                header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
                HeaderValue::from_static("true"),
            );
            if !is_preflight {
                headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, RESPONSE_HEADERS);
            }
        }
    }
}

impl<E: Endpoint<Output = Response>> Endpoint for Cors<E> {
    type Output = Response;

    fn call(&self, request: Request) -> impl Future<Output = poem::Result<Response>> + Send {
        let allowed = self.allowed(request.headers());
        let is_preflight = request.method() == Method::OPTIONS
            && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        let called = if is_preflight && allowed.is_some() {
            Either::Left(ready(Ok(preflight())))
        } else {
            Either::Right(self.inner.call(request))
        };
        called.map_ok(move |mut response| {
            self.set_headers(response.headers_mut(), allowed, is_preflight);
            response
        })
    }
}

fn preflight() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    headers.insert(
        header::VARY,
        HeaderValue::from_static("access-control-request-method, access-control-request-headers"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    request_id::set_new(&mut response);
    response
}

#[cfg(test)]
mod tests {
    use poem::{EndpointExt, endpoint::make_sync};

    use super::*;

    const SHOP: &str = "https://shop.example";

    async fn respond(method: Method, headers: &[(&str, &str)]) -> Response {
        respond_for(&[SHOP], method, headers).await
    }

    async fn respond_for(origins: &[&str], method: Method, headers: &[(&str, &str)]) -> Response {
        let origins = TrustedOrigins(origins.iter().map(ToString::to_string).collect());
        let inner = make_sync(|_| StatusCode::NOT_FOUND.into_response());
        let cors = Cors::new(inner.map_to_response(), origins);
        let request = Request::builder().method(method);
        let request = headers
            .iter()
            .fold(request, |request, (name, value)| request.header(*name, *value));
        cors.call(request.finish()).await.unwrap()
    }

    #[tokio::test]
    async fn without_allowed_origins_nothing_is_changed() {
        let preflight = [("origin", SHOP), ("access-control-request-method", "PATCH")];
        let response = respond_for(&[], Method::OPTIONS, &preflight).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert!(response.headers().is_empty(), "{:?}", response.headers());
    }

    #[tokio::test]
    async fn a_page_of_an_allowed_origin_may_ask_and_read() {
        let preflight = [("origin", SHOP), ("access-control-request-method", "PATCH")];
        let response = respond(Method::OPTIONS, &preflight).await;
        assert_eq!(response.status(), 204);
        let headers = response.headers();
        assert_eq!(headers["access-control-allow-origin"], SHOP);
        assert_eq!(headers["access-control-allow-credentials"], "true");
        assert!(
            headers["access-control-allow-methods"]
                .to_str()
                .unwrap()
                .contains("PATCH")
        );
        assert!(
            headers["access-control-allow-headers"]
                .to_str()
                .unwrap()
                .contains("idempotency-key")
        );
        assert!(headers.get_all("vary").iter().any(|line| line == "origin"));
        // Also a refusal can be read.
        let response = respond(Method::POST, &[("origin", SHOP)]).await;
        assert_eq!(response.status(), 404);
        let headers = response.headers();
        assert_eq!(headers["access-control-allow-origin"], SHOP);
        assert!(
            headers["access-control-expose-headers"]
                .to_str()
                .unwrap()
                .contains("etag")
        );
    }

    #[tokio::test]
    async fn a_page_of_another_origin_may_not() {
        for origin in [
            "null",
            "*",
            "https://SHOP.example",
            "https://shop.example/",
            "https://shop.example:443",
            "http://shop.example",
            "https://shop.example.attacker.example",
            "https://attacker.example",
            "",
        ] {
            for method in [Method::OPTIONS, Method::GET, Method::POST] {
                let headers = [("origin", origin), ("access-control-request-method", "POST")];
                let response = respond(method, &headers).await;
                assert_eq!(response.status(), 404, "{origin}");
                let given = response
                    .headers()
                    .keys()
                    .filter(|name| name.as_str().starts_with("access-"));
                assert_eq!(given.count(), 0, "{origin}");
                assert_eq!(response.headers()["vary"], "origin");
            }
        }
        let twice = [("origin", SHOP), ("origin", "https://attacker.example")];
        let response = respond(Method::GET, &twice).await;
        assert!(!response.headers().contains_key("access-control-allow-origin"));
    }
}
