//! The calls of the auth service that begin and end a session.

use http::StatusCode;
use serde::{Deserialize, Serialize};
use values::Language;

use super::{ApiError, ApiRequest, ApiResponse, Caller, Service, account::User};

#[derive(Serialize)]
struct Credentials<'a> {
    email: &'a str,
    password: &'a str,
    /// The language of mails; only of a new account.
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<Language>,
    /// Tokens as cookies, which the page relays.
    delivery: &'static str,
}

#[derive(Serialize)]
struct SecondStep<'a> {
    challenge: &'a str,
    code: &'a str,
    delivery: &'static str,
}

/// What a response with new tokens states beside them.
#[derive(Deserialize)]
struct Tokens {
    user: User,
}

/// Returns the language of the account that was signed in.
pub(crate) fn language_of(signed_in: &ApiResponse) -> Option<Language> {
    Some(signed_in.json::<Tokens>().ok()?.user.language)
}

/// The outcome of a sign-up.
pub(crate) enum SignedUp {
    /// The person is signed in. The response sets cookies.
    SignedIn(ApiResponse),
    /// The outcome is mailed to the address.
    Mailed,
}

/// The outcome of the first step of a sign-in.
pub(crate) enum SignedIn {
    /// The person is signed in. The response sets cookies.
    SignedIn(ApiResponse),
    /// The password is right, and a code is needed.
    Challenged(Challenge),
}

/// What the second step of a sign-in needs besides the code.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Challenge {
    pub(crate) challenge: String,
    /// The number of seconds for which it is valid.
    pub(crate) expires_in: u64,
}

impl<'a> Credentials<'a> {
    const fn new(email: &'a str, password: &'a str) -> Self {
        Self {
            email,
            password,
            language: None,
            delivery: "cookies",
        }
    }
}

/// Creates an account, whose mails are in this language.
pub(crate) async fn sign_up(
    caller: &impl Caller,
    email: &str,
    password: &str,
    language: Language,
    idempotency_key: &str,
) -> Result<SignedUp, ApiError> {
    let credentials = Credentials {
        language: Some(language),
        ..Credentials::new(email, password)
    };
    let request = ApiRequest::post(Service::Auth, "/api/v1/auth/signup").json(&credentials);
    let response = caller.send(request.idempotency_key(idempotency_key)).await?;
    Ok(match response.status {
        StatusCode::ACCEPTED => SignedUp::Mailed,
        _ => SignedUp::SignedIn(response),
    })
}

/// Signs in: the first step, which is the only one without a second factor.
pub(crate) async fn sign_in(caller: &impl Caller, email: &str, password: &str) -> Result<SignedIn, ApiError> {
    let request = ApiRequest::post(Service::Auth, "/api/v1/auth/signin");
    let response = caller.send(request.json(&Credentials::new(email, password))).await?;
    Ok(match response.status {
        StatusCode::ACCEPTED => SignedIn::Challenged(response.json()?),
        _ => SignedIn::SignedIn(response),
    })
}

/// Signs in: the second step. The response sets cookies.
pub(crate) async fn prove_second_factor(
    caller: &impl Caller,
    challenge: &str,
    code: &str,
) -> Result<ApiResponse, ApiError> {
    let request = ApiRequest::post(Service::Auth, "/api/v1/auth/signin/second-factor");
    let step = SecondStep {
        challenge,
        code,
        delivery: "cookies",
    };
    caller.send(request.json(&step)).await
}

/// Ends the session. The response clears cookies.
pub(crate) async fn sign_out(caller: &impl Caller) -> Result<ApiResponse, ApiError> {
    caller
        .send(ApiRequest::post(Service::Auth, "/api/v1/auth/signout"))
        .await
}

/// Returns the request for new tokens, by the refresh cookie. The response sets cookies.
pub(crate) fn refresh() -> ApiRequest {
    ApiRequest::post(Service::Auth, "/api/v1/auth/refresh")
}
