use std::sync::{Arc, OnceLock};

use poem::{
    Request, RequestBody,
    http::{HeaderMap, StatusCode, header},
};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaSecurityScheme, Registry},
};
use problem::Problem;
use values::{SessionId, Timestamp, UserId};

use crate::{Claims, Cookie, CsrfGuard, MULTIPLE_FACTORS, Verifier, cookie::unreadable};

/// The cookie that carries the access token of a page.
pub const SESSION_COOKIE: Cookie = Cookie {
    name: "__Host-ticketing_session",
    plain_name: "ticketing_session",
};

/// The signed-in user, by a Bearer token or by the session cookie. The Bearer token takes precedence.
///
/// An extractor and security scheme of poem-openapi; it takes the [`Verifier`] from the request's data. It refuses with
/// 401 (no valid token), 403 (a write by cookie from another site), or 503 (the keys of auth are not available).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SignedIn {
    /// The user.
    pub user_id: UserId,
    /// The session.
    pub session_id: SessionId,
    /// The time at which the access token was signed, in whole seconds.
    pub token_issued_at: Timestamp,
    /// The time at which the access token expires, in whole seconds.
    pub token_expires_at: Timestamp,
    /// Whether the user signed in with a second factor.
    pub has_second_factor: bool,
    /// Whether the user has confirmed the email address. A token of release 0.1 does not have this claim and counts as confirmed.
    pub is_address_confirmed: bool,
}

impl SignedIn {
    pub(crate) fn new(claims: &Claims) -> Self {
        Self {
            user_id: claims.sub,
            session_id: claims.sid,
            token_issued_at: Timestamp::from_millis(claims.iat.saturating_mul(1000)),
            token_expires_at: Timestamp::from_millis(claims.exp.saturating_mul(1000)),
            has_second_factor: claims.amr.iter().any(|method| method == MULTIPLE_FACTORS),
            is_address_confirmed: claims.email_verified != Some(false),
        }
    }

    /// Refuses a user who has not confirmed the email address.
    pub fn ensure_address_confirmed(&self) -> Result<(), Problem> {
        if self.is_address_confirmed {
            return Ok(());
        }
        let problem = Problem::new(
            StatusCode::FORBIDDEN,
            "address-not-confirmed",
            "The email address is not confirmed",
        );
        Err(problem.detail("Confirm your email address first, by the link in the mail, and sign in or refresh again."))
    }

    /// Authenticates the sender of a request.
    pub async fn authenticate(request: &Request) -> Result<Self, Problem> {
        let verifier = request
            .data::<Verifier>()
            .ok_or_else(|| Problem::internal(&NoVerifier))?;
        let token = if let Some(token) = bearer(request.headers())? {
            token
        } else {
            let token = SESSION_COOKIE
                .value(request.headers())?
                .ok_or_else(Problem::unauthorized)?;
            CsrfGuard::check(request)?;
            token
        };
        let signed_in = verifier.verify(token).await?;
        if let Some(authenticated) = request.data::<AuthenticatedUser>() {
            // Repeated in one request, it is the same user.
            let _ = authenticated.0.set(signed_in.user_id);
        }
        Ok(signed_in)
    }
}

/// The user of a request, for middleware: the data of the request, which is set when a handler authenticates its sender.
#[derive(Clone, Default, Debug)]
pub struct AuthenticatedUser(Arc<OnceLock<UserId>>);

impl AuthenticatedUser {
    /// Returns the user. `None` if no valid token was sent, or none was needed.
    pub fn get(&self) -> Option<UserId> {
        self.0.get().copied()
    }
}

/// The service was assembled without a verifier: a programming error.
#[derive(Debug, thiserror::Error)]
#[error("the request's data has no token::Verifier")]
struct NoVerifier;

/// Returns the token of `Authorization: Bearer` (RFC 6750; the scheme's case does not matter). `None` without the header, or
/// with another scheme; an error if the header is unreadable or repeated.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut lines = headers.get_all(header::AUTHORIZATION).into_iter();
    let Some(line) = lines.next() else { return Ok(None) };
    let line = line.to_str().map_err(|_| unreadable(&header::AUTHORIZATION))?.trim();
    if lines.next().is_some() {
        return Err(unreadable(&header::AUTHORIZATION));
    }
    let (scheme, token) = line.split_once(' ').unwrap_or((line, ""));
    Ok(scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()))
}

const BEARER_SCHEME: &str = "bearer";
const SESSION_SCHEME: &str = "session";

impl<'a> ApiExtractor<'a> for SignedIn {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        registry.create_security_scheme(
            BEARER_SCHEME,
            MetaSecurityScheme {
                ty: "http",
                description: Some("The `accessToken` of sign-up, sign-in or refresh: for programs."),
                name: None,
                key_in: None,
                scheme: Some("bearer"),
                bearer_format: Some("JWT"),
                flows: None,
                openid_connect_url: None,
            },
        );
        registry.create_security_scheme(
            SESSION_SCHEME,
            MetaSecurityScheme {
                ty: "apiKey",
                description: Some("The cookie that sign-up, sign-in and refresh set: for pages of our own site."),
                name: Some(SESSION_COOKIE.name),
                key_in: Some("cookie"),
                scheme: None,
                bearer_format: None,
                flows: None,
                openid_connect_url: None,
            },
        );
    }

    /// Alternatives: one of them is enough.
    fn security_schemes() -> Vec<&'static str> {
        vec![BEARER_SCHEME, SESSION_SCHEME]
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        Ok(Self::authenticate(request).await?)
    }
}

#[cfg(test)]
mod tests;
