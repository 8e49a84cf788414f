use std::{fmt, time::Duration};

use poem::{
    IntoResponse, Response,
    error::ResponseError,
    http::{StatusCode, header},
};
use poem_openapi::{Object, types::Example};
use serde::Serialize;
use values::{Money, Timestamp};

/// Why a request was refused (RFC 9457).
#[derive(Clone, PartialEq, Eq, Debug, Object, Serialize)]
#[oai(rename = "Problem", rename_all = "camelCase", example)]
pub struct ProblemDocument {
    /// The type of the problem. It never changes, so that programs can rely on it.
    #[oai(rename = "type")]
    #[serde(rename = "type")]
    pub kind: String,
    /// The title of the type.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// Details of this case.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Distinguishes cases of one type, such as the decline code of a card's bank.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The price of a ticket that an order has to expect; only of `price-changed`.
    #[oai(skip_serializing_if_is_none)]
    #[serde(rename = "currentPrice", skip_serializing_if = "Option::is_none")]
    pub current_price: Option<Money>,
    /// When the ticket was used; only of `already-admitted`.
    #[oai(skip_serializing_if_is_none)]
    #[serde(rename = "usedAt", skip_serializing_if = "Option::is_none")]
    pub used_at: Option<Timestamp>,
    /// The name of the door at which the ticket was used, absent if its seller admitted the holder; only of `already-admitted`.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub door: Option<String>,
    /// The invalid fields, each with its error.
    #[oai(default, skip_serializing_if_is_empty)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

/// An invalid field.
#[derive(Clone, PartialEq, Eq, Debug, Object, Serialize)]
pub struct FieldError {
    /// The field's path in the body, or the parameter's name: `price.amount`.
    pub field: String,
    /// Its error.
    pub message: String,
}

impl Example for ProblemDocument {
    fn example() -> Self {
        Problem::invalid("price.amount", "must be at least 50").0.document
    }
}

/// A problem document as a response.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem(Box<Refusal>);

#[derive(Clone, PartialEq, Eq, Debug)]
struct Refusal {
    status: StatusCode,
    document: ProblemDocument,
    retry_after: Option<Duration>,
    is_denial: bool,
}

/// The extension of a response that denies a user what belongs to another one, whatever its status is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Denied;

impl Problem {
    /// Creates a problem of the type `urn:ticketing:problem:<slug>`.
    pub fn new(status: StatusCode, slug: &str, title: &str) -> Self {
        let document = ProblemDocument {
            kind: format!("urn:ticketing:problem:{slug}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: None,
            code: None,
            current_price: None,
            used_at: None,
            door: None,
            errors: Vec::new(),
        };
        Self(Box::new(Refusal {
            status,
            document,
            retry_after: None,
            is_denial: status == StatusCode::FORBIDDEN,
        }))
    }

    /// Sets the detail of this case. An error text in the style of Rust becomes a sentence.
    #[must_use]
    pub fn detail(mut self, detail: impl fmt::Display) -> Self {
        self.0.document.detail = Some(sentence(&detail.to_string()));
        self
    }

    /// Sets the code that distinguishes cases of one type.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.0.document.code = Some(code.into());
        self
    }

    /// Sets the price of a ticket that an order has to expect.
    #[must_use]
    pub fn current_price(mut self, price: Money) -> Self {
        self.0.document.current_price = Some(price);
        self
    }

    /// Sets when, and at which door, a ticket was used.
    #[must_use]
    pub fn used(mut self, at: Timestamp, door: Option<String>) -> Self {
        self.0.document.used_at = Some(at);
        self.0.document.door = door;
        self
    }

    /// Adds an invalid field.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>, message: impl fmt::Display) -> Self {
        self.0.document.errors.push(FieldError {
            field: field.into(),
            message: message.to_string(),
        });
        self
    }

    /// Sets `Retry-After` (RFC 9110), in whole seconds, at least one.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// States that the user was denied what belongs to another one: a 404 that does not disclose that it exists. The response
    /// to the client is the same.
    #[must_use]
    pub fn denied(mut self) -> Self {
        self.0.is_denial = true;
        self
    }

    /// 400: the request does not conform to its format.
    pub fn malformed(detail: impl fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", "The request is malformed").detail(detail)
    }

    /// 401: not signed in, or not any more.
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "Sign in first")
            .detail("This needs a valid access token, as a Bearer token or as the session cookie.")
    }

    /// 403: signed in, but not allowed.
    pub fn forbidden(detail: impl fmt::Display) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Not allowed").detail(detail)
    }

    /// 404: the resource does not exist, or not for this client.
    pub fn not_found(what: impl fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not found").detail(what)
    }

    /// 409: the current state does not allow it.
    pub fn conflict(slug: &str, title: &str) -> Self {
        Self::new(StatusCode::CONFLICT, slug, title)
    }

    /// 422: well-formed, but a field has an invalid value.
    pub fn invalid(field: impl Into<String>, message: impl fmt::Display) -> Self {
        Self::invalid_fields().field(field, message)
    }

    /// 422: well-formed, but fields have invalid values, which are added.
    pub fn invalid_fields() -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid-fields",
            "Some fields are not valid",
        )
    }

    /// 429: too many requests; retry after `wait`.
    pub fn too_many_requests(detail: impl fmt::Display, wait: Duration) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", "Too many requests")
            .detail(detail)
            .retry_after(wait)
    }

    /// 500: a server error. The cause is logged, not sent.
    pub fn internal(cause: &dyn std::error::Error) -> Self {
        tracing::error!(error = %Chain(cause), "request failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Something went wrong on our side",
        )
    }

    /// 503: temporarily impossible, nothing was changed. The cause is logged, not sent.
    pub fn unavailable(detail: impl fmt::Display, cause: &dyn std::error::Error) -> Self {
        tracing::warn!(error = %Chain(cause), "request could not be served, the client may retry");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not possible for now")
            .detail(detail)
            .retry_after(Duration::from_secs(2))
    }

    /// Returns the HTTP status.
    pub const fn status(&self) -> StatusCode {
        self.0.status
    }
}

/// Turns an error text into a sentence: `no tickets are left` becomes `No tickets are left.`
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    let mut sentence: String = first.chain(letters).collect();
    if !sentence.ends_with(['.', '!', '?', ')']) {
        sentence.push('.');
    }
    sentence
}

/// An error with its causes, in one line.
struct Chain<'a>(&'a dyn std::error::Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0.status.as_u16(), self.0.document.title)
    }
}

impl std::error::Error for Problem {}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::builder()
            .status(self.0.status)
            .content_type("application/problem+json");
        if self.0.status == StatusCode::UNAUTHORIZED {
            response = response.header(header::WWW_AUTHENTICATE, "Bearer");
        }
        if let Some(wait) = self.0.retry_after {
            response = response.header(header::RETRY_AFTER, wait.as_millis().div_ceil(1000).max(1).to_string());
        }
        if self.0.is_denial {
            response = response.extension(Denied);
        }
        // A struct of strings and integers always serialises.
        response.body(serde_json::to_vec(&self.0.document).unwrap_or_default())
    }
}

impl ResponseError for Problem {
    fn status(&self) -> StatusCode {
        self.0.status
    }

    fn as_response(&self) -> Response {
        self.clone().into_response()
    }
}

/// A transient storage error is 503, any other one 500.
impl From<db::Error> for Problem {
    fn from(error: db::Error) -> Self {
        if error.is_transient() {
            Self::unavailable("Nothing was changed; try again.", &error)
        } else {
            Self::internal(&error)
        }
    }
}
