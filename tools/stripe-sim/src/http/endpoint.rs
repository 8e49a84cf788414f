//! The HTTP surface: `/v1`, `/_sim`, the script for browsers, and the page for 3-D Secure.

use std::sync::Arc;

use poem::{
    Endpoint, Request, Response,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
};
use serde_json::{Value, json};

use super::{
    auth::Caller,
    browser,
    request::{ApiRequest, Reply, execute},
};
use crate::{
    background::Background,
    control::{self, authentication_page},
    domain::event::API_VERSION,
    error::StripeError,
    form::Params,
    state::SimState,
    store::RequestContext,
    stripe_js,
};

/// The largest body in bytes. No request of the API comes near it.
const MAX_BODY_BYTES: usize = 1 << 20;

const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const STRIPE_VERSION: HeaderName = HeaderName::from_static("stripe-version");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const ORIGINAL_REQUEST: HeaderName = HeaderName::from_static("original-request");

/// The endpoint that serves every path.
pub(crate) struct HttpEndpoint {
    state: Arc<SimState>,
    /// Started with the first request, and kept alive as long as requests can arrive.
    background: Arc<Background>,
}

impl Endpoint for HttpEndpoint {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        self.background.start().await;
        let context = match request_context(request.headers()) {
            Ok(context) => context,
            Err(error) => return Ok(respond(&(&error).into(), None, request.headers())),
        };
        let headers = request.headers().clone();
        Ok(match self.handle(&mut request, &context).await {
            Ok(Some(finish)) => finish(&context, &headers),
            Ok(None) => close_connection(),
            Err(error) => respond(&(&error).into(), Some(&context), &headers),
        })
    }
}

/// Builds the response, given the context and the headers of the request.
type Finish = Box<dyn FnOnce(&RequestContext, &HeaderMap) -> Response + Send>;

impl HttpEndpoint {
    pub(crate) fn new(state: Arc<SimState>, background: Arc<Background>) -> Self {
        Self { state, background }
    }

    /// Handles a request; `None` if its connection is to be closed without a response.
    async fn handle(&self, request: &mut Request, context: &RequestContext) -> Result<Option<Finish>, StripeError> {
        let state = &self.state;
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        // Without a key: the health check, the script for browsers, and the page for the cardholder.
        if path == "/_sim/health" {
            return json_response(json!({ "status": "ok" }));
        }
        if let Some(response) = stripe_js::respond(&method, &path) {
            return Ok(Some(Box::new(|_, _| response)));
        }
        if let Some(secret) = path.strip_prefix("/_sim/authenticate/") {
            let params = params(request).await?;
            let page = authentication_page::respond(state, &method, secret.to_owned(), &params).await?;
            return Ok(Some(Box::new(|_, _| page)));
        }
        let parsed = params(request).await;
        let (parsed, key) = match parsed {
            Ok(mut params) => {
                let key = params.take_text("key");
                (Ok(params), key)
            }
            Err(error) => (Err(error), None),
        };
        let caller = state.api_keys.authenticate(request.headers(), key.as_deref())?;
        let params = parsed?;
        if let Some(control) = path.strip_prefix("/_sim/") {
            if caller == Caller::Browser {
                return Err(StripeError::secret_key_required());
            }
            return json_response(control::handle(state, &method, control, &params).await?);
        }
        if !path.starts_with("/v1/") {
            return Err(StripeError::no_such_route(method.as_str(), &path));
        }
        if caller == Caller::Browser {
            browser::check_access(&method, &path, &params)?;
        }
        let api_request = ApiRequest {
            method,
            path,
            params,
            context: context.clone(),
        };
        // A task of its own: a client that disconnects does not cancel a request that has begun.
        let task = state.tasks.spawn(execute(state.clone(), api_request));
        let mut reply = task.await.map_err(StripeError::internal)?;
        if let Some(reply) = reply.as_mut().filter(|_| caller == Caller::Browser) {
            browser::redact(&mut reply.response.body);
        }
        Ok(reply.map(|reply| -> Finish { Box::new(move |context, headers| respond(&reply, Some(context), headers)) }))
    }
}

/// Returns a JSON body with status 200.
#[expect(clippy::unnecessary_wraps, reason = "the type of every result of `handle`")]
fn json_response(body: Value) -> Result<Option<Finish>, StripeError> {
    Ok(Some(Box::new(move |_, _| {
        Response::builder()
            .content_type("application/json")
            .body(body.to_string())
    })))
}

/// Reads the parameters: of the body for POST, of the query for other methods.
async fn params(request: &mut Request) -> Result<Params, StripeError> {
    if request.method() != Method::POST {
        return Params::parse(request.uri().query().unwrap_or_default().as_bytes());
    }
    let is_form = request
        .content_type()
        .is_none_or(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    let body = request
        .take_body()
        .into_bytes_limit(MAX_BODY_BYTES)
        .await
        .map_err(|_| StripeError::invalid("body", "The request body is too large or was cut off.".to_owned()))?;
    if !is_form && !body.is_empty() {
        let message = "Invalid request: the body must be sent as application/x-www-form-urlencoded.";
        return Err(StripeError::invalid("body", message.to_owned()).with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    Params::parse(&body)
}

/// Creates the context of a request from its headers.
fn request_context(headers: &HeaderMap) -> Result<RequestContext, StripeError> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let mut context = RequestContext::new(format!("http://{}", text(header::HOST).unwrap_or("localhost")))?;
    context.idempotency_key = text(IDEMPOTENCY_KEY).map(str::to_owned);
    Ok(context)
}

/// Builds the response with the headers that Stripe sends.
fn respond(reply: &Reply, context: Option<&RequestContext>, request_headers: &HeaderMap) -> Response {
    let mut response = Response::builder()
        .status(reply.response.status)
        .content_type("application/json")
        .header(header::CACHE_CONTROL, "no-cache, no-store")
        // A browser sends a form, which needs no preflight request.
        .header(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")
        .body(reply.response.body.to_string());
    let headers = response.headers_mut();
    headers.insert(STRIPE_VERSION, HeaderValue::from_static(API_VERSION));
    for echoed in [STRIPE_VERSION, IDEMPOTENCY_KEY] {
        if let Some(value) = request_headers.get(&echoed) {
            headers.insert(echoed, value.clone());
        }
    }
    if let Some(id) = context.and_then(|context| HeaderValue::from_str(&context.request_id).ok()) {
        headers.insert(REQUEST_ID, id);
    }
    if let Some(original) = reply
        .original_request
        .as_deref()
        .and_then(|id| HeaderValue::from_str(id).ok())
    {
        headers.insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
        headers.insert(ORIGINAL_REQUEST, original);
    }
    response
}

/// Closes the connection without a byte of a response. The HTTP library sends a response unless the handler unwinds;
/// then it drops the connection. A resumed unwind does not call the panic hook, and prints nothing.
fn close_connection() -> ! {
    std::panic::resume_unwind(Box::new("the connection is cut on demand"))
}
