use poem::{
    Endpoint, IntoResponse, Request, Response,
    http::{HeaderName, HeaderValue},
};
use telemetry::Span;

/// The header with the id of the request's trace.
const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Sets the trace id of a span.
pub(crate) fn set_of(response: &mut Response, span: &Span) {
    let id = span
        .traceparent()
        .and_then(|trace| HeaderValue::from_str(&trace.trace_id()).ok());
    if let Some(id) = id {
        response.headers_mut().insert(HEADER, id);
    }
}

/// Sets the id of a new trace, on a response that no endpoint has made.
pub(crate) fn set_new(response: &mut Response) {
    set_of(response, &Span::entry_not_exported(&tracing::Span::none(), None));
}

/// Sets a request id on the responses of an endpoint that does not run in a span of its own.
#[derive(Debug)]
pub struct RequestIds<E>(pub E);

impl<E: Endpoint> Endpoint for RequestIds<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let mut response = self.0.call(request).await?.into_response();
        set_new(&mut response);
        Ok(response)
    }
}
