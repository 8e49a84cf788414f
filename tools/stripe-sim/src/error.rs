//! Errors of the API (<https://docs.stripe.com/api/errors>).

use poem::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The `error` object, which is also an intent's `last_payment_error`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct ErrorBody {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) charge: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) decline_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) doc_url: Option<String>,
    pub(crate) message: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) param: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) payment_intent: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) payment_method: Option<Value>,
    #[serde(rename = "type")]
    pub(crate) kind: String,
}

/// An error: its status, its body, and whether the endpoint had begun to execute.
#[derive(Debug)]
pub(crate) struct StripeError {
    pub(crate) status: StatusCode,
    pub(crate) body: Box<ErrorBody>,
    /// Stripe stores the response of an idempotency key only once an endpoint has begun to execute: a parameter that
    /// fails validation can be corrected and sent again under the same key
    /// (<https://docs.stripe.com/api/idempotent_requests>).
    pub(crate) executed: bool,
    /// The cause of an internal error, for the log and not for the client.
    pub(crate) cause: Option<String>,
}

impl StripeError {
    fn new(status: StatusCode, kind: &str, message: String) -> Self {
        let body = ErrorBody {
            message,
            kind: kind.to_owned(),
            ..ErrorBody::default()
        };
        Self {
            status,
            body: Box::new(body),
            executed: false,
            cause: None,
        }
    }

    /// An invalid request.
    fn request(message: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", message)
    }

    fn with_code(mut self, code: &str) -> Self {
        self.body.code = Some(code.to_owned());
        self.body.doc_url = Some(format!(
            "https://stripe.com/docs/error-codes/{}",
            code.replace('_', "-")
        ));
        self
    }

    pub(crate) fn with_param(mut self, param: &str) -> Self {
        self.body.param = Some(param.to_owned());
        self
    }

    pub(crate) fn with_message(mut self, message: &str) -> Self {
        message.clone_into(&mut self.body.message);
        self
    }

    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Marks an error that depends on stored state rather than on the parameters: it is stored and replayed.
    fn after_execution(mut self) -> Self {
        self.executed = true;
        self
    }

    pub(crate) fn with_intent(mut self, intent: Value) -> Self {
        self.body.payment_intent = Some(intent);
        self
    }

    // Errors of parameters.

    pub(crate) fn invalid(param: &str, message: String) -> Self {
        Self::request(message).with_param(param)
    }

    pub(crate) fn invalid_integer(param: &str, message: String) -> Self {
        Self::request(message)
            .with_code("parameter_invalid_integer")
            .with_param(param)
    }

    pub(crate) fn missing(param: &str) -> Self {
        Self::request(format!("Missing required param: {param}."))
            .with_code("parameter_missing")
            .with_param(param)
    }

    pub(crate) fn empty_parameter(param: &str) -> Self {
        let message = format!(
            "You passed an empty string for '{param}'. We assume empty values are an attempt to unset a parameter; \
             however '{param}' cannot be unset. You should remove '{param}' from your request or supply a non-empty value."
        );
        Self::request(message)
            .with_code("parameter_invalid_empty")
            .with_param(param)
    }

    pub(crate) fn unknown_parameter(param: &str, known: &[&str]) -> Self {
        let message = format!(
            "Received unknown parameter: {param} (supported here: {})",
            known.join(", ")
        );
        Self::request(message).with_code("parameter_unknown").with_param(param)
    }

    pub(crate) fn exclusive(one: &str, other: &str) -> Self {
        let message = format!("You may only specify one of these parameters: {one}, {other}.");
        Self::request(message)
            .with_code("parameters_exclusive")
            .with_param(other)
    }

    pub(crate) fn amount(code: &str, param: &str, message: String) -> Self {
        Self::request(message).with_code(code).with_param(param)
    }

    // Errors of state.

    /// An object that does not exist; `param` is the parameter of its id.
    pub(crate) fn no_such(what: &str, id: &str, param: &str) -> Self {
        Self::request(format!("No such {what}: '{id}'"))
            .with_code("resource_missing")
            .with_param(param)
            .after_execution()
    }

    /// An operation that the status of its intent forbids.
    pub(crate) fn unexpected_state(message: String) -> Self {
        Self::request(message)
            .with_code("payment_intent_unexpected_state")
            .after_execution()
    }

    pub(crate) fn refused(code: Option<&str>, message: String) -> Self {
        let error = Self::request(message).after_execution();
        match code {
            Some(code) => error.with_code(code),
            None => error,
        }
    }

    /// A declined or invalid card.
    pub(crate) fn card(code: &str, decline_code: Option<&str>, message: &str) -> Self {
        let mut error = Self::new(StatusCode::PAYMENT_REQUIRED, "card_error", message.to_owned())
            .with_code(code)
            .after_execution();
        error.body.decline_code = decline_code.map(str::to_owned);
        error
    }

    // Errors of keys, routes and idempotency.

    pub(crate) fn no_key() -> Self {
        let message = "You did not provide an API key. You need to provide your API key in the Authorization header, \
                       using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See \
                       https://stripe.com/docs/api#authentication for details, or we can help at \
                       https://support.stripe.com/.";
        Self::request(message.to_owned()).with_status(StatusCode::UNAUTHORIZED)
    }

    pub(crate) fn wrong_key(given: &str) -> Self {
        Self::request(format!("Invalid API Key provided: {}", masked(given))).with_status(StatusCode::UNAUTHORIZED)
    }

    pub(crate) fn secret_key_required() -> Self {
        let message = "This API call cannot be made with a publishable API key. Please use a secret API key. You can \
                       find a list of your API keys at https://dashboard.stripe.com/account/apikeys.";
        Self::request(message.to_owned())
            .with_code("secret_key_required")
            .with_status(StatusCode::FORBIDDEN)
    }

    pub(crate) fn no_such_route(method: &str, path: &str) -> Self {
        let message = format!(
            "Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs or we can help at \
             https://support.stripe.com/."
        );
        Self::request(message).with_status(StatusCode::NOT_FOUND)
    }

    pub(crate) fn key_too_long() -> Self {
        let mut error = Self::request("Idempotency keys must be between 1 and 255 characters long.".to_owned());
        "idempotency_error".clone_into(&mut error.body.kind);
        error
    }

    pub(crate) fn key_of_other_parameters(key: &str) -> Self {
        let message = format!(
            "Keys for idempotent requests can only be used with the same parameters they were first used with. Try \
             using a key other than '{key}' if you meant to execute a different request."
        );
        Self::new(StatusCode::BAD_REQUEST, "idempotency_error", message)
    }

    pub(crate) fn key_of_other_endpoint(key: &str, first: &str, now: &str) -> Self {
        let message = format!(
            "Keys for idempotent requests can only be used for the same endpoint they were first used for ('{first}' \
             vs '{now}'). Try using a key other than '{key}' if you meant to execute a different request."
        );
        Self::new(StatusCode::BAD_REQUEST, "idempotency_error", message)
    }

    pub(crate) fn key_in_use(key: &str) -> Self {
        let message = format!(
            "There is currently another in-progress request using this Idempotent Key (that probably means you \
             submitted twice, and the other request is still going through): {key}. Please try again later."
        );
        Self::request(message)
            .with_code("idempotency_key_in_use")
            .with_status(StatusCode::CONFLICT)
    }

    /// The error of an injected fault: 402 for a balance that does not cover a refund, 429 of Stripe's rate limiter,
    /// another status for an error of Stripe's own.
    pub(crate) fn injected(status: StatusCode) -> Self {
        if status == StatusCode::PAYMENT_REQUIRED {
            // Observed without a code (https://github.com/Automattic/woocommerce-payments/issues/10025).
            let message = "Insufficient funds in your Stripe balance to refund this amount.";
            return Self::request(message.to_owned()).with_status(status);
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            let message = "Request rate limit exceeded. Learn more about rate limits here \
                           https://stripe.com/docs/rate-limits.";
            return Self::request(message.to_owned())
                .with_code("rate_limit")
                .with_status(status);
        }
        let message = "An error occurred with our connection to the payment processor. Please try again later.";
        Self::new(status, "api_error", message.to_owned())
    }

    /// The error of a request that waited for the lock of an object for too long.
    pub(crate) fn lock_timeout() -> Self {
        let message = "This object cannot be accessed right now because another API request or Stripe process is currently \
                       accessing it. If you see this error intermittently, retry the request.";
        Self::request(message.to_owned())
            .with_code("lock_timeout")
            .with_status(StatusCode::TOO_MANY_REQUESTS)
    }

    /// A defect of the simulator, or of its disk.
    pub(crate) fn internal(cause: impl std::fmt::Display) -> Self {
        let mut error = Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "api_error",
            "Sorry, there was a problem with the Stripe simulator. See its log.".to_owned(),
        );
        error.cause = Some(cause.to_string());
        error
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({ "error": self.body })
    }
}

impl From<rusqlite::Error> for StripeError {
    fn from(error: rusqlite::Error) -> Self {
        Self::internal(error)
    }
}

impl From<serde_json::Error> for StripeError {
    fn from(error: serde_json::Error) -> Self {
        Self::internal(error)
    }
}

impl From<getrandom::Error> for StripeError {
    fn from(error: getrandom::Error) -> Self {
        Self::internal(error)
    }
}

/// Masks a key as Stripe does: only its ends are shown.
fn masked(key: &str) -> String {
    let characters: Vec<char> = key.chars().collect();
    if characters.len() < 16 {
        return "*".repeat(characters.len());
    }
    let (head, tail) = (&characters[..8], &characters[characters.len() - 4..]);
    format!(
        "{}{}{}",
        head.iter().collect::<String>(),
        "*".repeat(characters.len() - 12),
        tail.iter().collect::<String>()
    )
}
