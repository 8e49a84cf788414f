//! The front: HTTP in, a call or an order to the double, HTTP out.

use poem::{
    Endpoint, Request, Response,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
};
use serde_json::{Value, json};

use crate::{
    auth::Caller,
    browser, challenge, control,
    error::StripeError,
    events::API_VERSION,
    exchange::{Call, Reply, exchange},
    form::Params,
    sim::Sim,
    store::Origin,
};

/// No request of the API comes near it.
const MAX_BODY: usize = 1 << 20;

const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const STRIPE_VERSION: HeaderName = HeaderName::from_static("stripe-version");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const ORIGINAL: HeaderName = HeaderName::from_static("original-request");

pub(crate) struct Front(pub(crate) Sim);

impl Endpoint for Front {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        self.0.inner.start().await;
        let origin = match origin(request.headers()) {
            Ok(origin) => origin,
            Err(error) => return Ok(respond(&(&error).into(), None, request.headers())),
        };
        let headers = request.headers().clone();
        Ok(match self.answer(&mut request, &origin).await {
            Ok(Some(response)) => response(&origin, &headers),
            Ok(None) => cut(),
            Err(error) => respond(&(&error).into(), Some(&origin), &headers),
        })
    }
}

/// An answer that waits for the headers which every answer has.
type Answered = Box<dyn FnOnce(&Origin, &HeaderMap) -> Response + Send>;

impl Front {
    /// `None` if the connection is to be cut.
    async fn answer(&self, request: &mut Request, origin: &Origin) -> Result<Option<Answered>, StripeError> {
        let sim = self.0.inner.clone();
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        // What needs no key: whether the double is up, and the page that a card's owner is sent to.
        if path == "/_sim/health" {
            return json_answer(json!({ "status": "ok" }));
        }
        if let Some(secret) = path.strip_prefix("/_sim/authenticate/") {
            let params = params(request).await?;
            let page = challenge::page(&sim, &method, secret.to_owned(), &params).await?;
            return Ok(Some(Box::new(|_, _| page)));
        }
        let parsed = params(request).await;
        let (parsed, key) = match parsed {
            Ok(mut params) => {
                let key = params.take("key");
                (Ok(params), key)
            }
            Err(error) => (Err(error), None),
        };
        let caller = sim.keys.check(request.headers(), key.as_deref())?;
        let params = parsed?;
        if let Some(order) = path.strip_prefix("/_sim/") {
            if caller == Caller::Browser {
                return Err(StripeError::secret_key_required());
            }
            return json_answer(control::obey(&sim, &method, order, &params).await?);
        }
        if !path.starts_with("/v1/") {
            return Err(StripeError::no_such_route(method.as_str(), &path));
        }
        if caller == Caller::Browser {
            browser::allow(&method, &path, &params)?;
        }
        let call = Call {
            method,
            path,
            params,
            origin: origin.clone(),
        };
        // A task of its own: a client that goes away does not stop what Stripe has begun.
        let task = sim.tasks.spawn(exchange(sim.clone(), call));
        let mut reply = task.await.map_err(StripeError::internal)?;
        if let Some(reply) = reply.as_mut().filter(|_| caller == Caller::Browser) {
            browser::view(&mut reply.answer.body);
        }
        Ok(reply.map(|reply| -> Answered { Box::new(move |origin, headers| respond(&reply, Some(origin), headers)) }))
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every answer")]
fn json_answer(body: Value) -> Result<Option<Answered>, StripeError> {
    Ok(Some(Box::new(move |_, _| {
        Response::builder()
            .content_type("application/json")
            .body(body.to_string())
    })))
}

/// The parameters: of the query for GET and DELETE, of the body for POST.
async fn params(request: &mut Request) -> Result<Params, StripeError> {
    if request.method() != Method::POST {
        return Params::parse(request.uri().query().unwrap_or_default().as_bytes());
    }
    let is_form = request
        .content_type()
        .is_none_or(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    let body = request
        .take_body()
        .into_bytes_limit(MAX_BODY)
        .await
        .map_err(|_| StripeError::invalid("body", "The request body is too large or was cut off.".to_owned()))?;
    if !is_form && !body.is_empty() {
        let message = "Invalid request: the body must be sent as application/x-www-form-urlencoded.";
        return Err(StripeError::invalid("body", message.to_owned()).status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    Params::parse(&body)
}

fn origin(headers: &HeaderMap) -> Result<Origin, StripeError> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let mut origin = Origin::of_the_double(format!("http://{}", text(header::HOST).unwrap_or("localhost")))?;
    origin.idempotency_key = text(IDEMPOTENCY_KEY).map(str::to_owned);
    Ok(origin)
}

fn respond(reply: &Reply, origin: Option<&Origin>, asked: &HeaderMap) -> Response {
    let mut response = Response::builder()
        .status(reply.answer.status)
        .content_type("application/json")
        .header(header::CACHE_CONTROL, "no-cache, no-store")
        // A browser asks with a form, which needs no question beforehand.
        .header(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")
        .body(reply.answer.body.to_string());
    let headers = response.headers_mut();
    headers.insert(STRIPE_VERSION, HeaderValue::from_static(API_VERSION));
    for echoed in [STRIPE_VERSION, IDEMPOTENCY_KEY] {
        if let Some(value) = asked.get(&echoed) {
            headers.insert(echoed, value.clone());
        }
    }
    if let Some(id) = origin.and_then(|origin| HeaderValue::from_str(&origin.request_id).ok()) {
        headers.insert(REQUEST_ID, id);
    }
    if let Some(first) = reply.replayed.as_deref().and_then(|id| HeaderValue::from_str(id).ok()) {
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
        headers.insert(ORIGINAL, first);
    }
    response
}

/// Ends the connection without a byte of an answer. HTTP libraries always answer, except when a handler unwinds: the
/// server drops the connection then. Resumed rather than raised, it is no panic to the panic hook, and prints nothing.
fn cut() -> ! {
    std::panic::resume_unwind(Box::new("the connection is cut on demand"))
}
