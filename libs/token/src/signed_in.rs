use poem::{
    Request, RequestBody,
    http::{HeaderMap, header},
};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaSecurityScheme, Registry},
};
use problem::Problem;
use values::{SessionId, Timestamp, UserId};

use crate::{Claims, SameSite, Verifier};

/// The cookie that carries the access token of a page.
pub const SESSION_COOKIE: &str = "ticketing_session";

/// Somebody who is signed in, by a Bearer token or by the session cookie. The Bearer token counts if both are there.
///
/// An extractor and security scheme of poem-openapi; it finds the [`Verifier`] in the request's data. It refuses with
/// 401 (nobody, or not any more), with 403 (a write by cookie from another site), or with 503 (auth was never reached).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SignedIn {
    /// Who it is.
    pub user_id: UserId,
    /// In which session.
    pub session_id: SessionId,
    /// When the access token was signed, in whole seconds.
    pub token_issued_at: Timestamp,
    /// Until when the access token is good, in whole seconds.
    pub token_expires_at: Timestamp,
}

impl SignedIn {
    pub(crate) fn new(claims: &Claims) -> Self {
        Self {
            user_id: claims.sub,
            session_id: claims.sid,
            token_issued_at: Timestamp::from_millis(claims.iat.saturating_mul(1000)),
            token_expires_at: Timestamp::from_millis(claims.exp.saturating_mul(1000)),
        }
    }

    /// Who sent this request.
    pub async fn check(request: &Request) -> Result<Self, Problem> {
        let verifier = request
            .data::<Verifier>()
            .ok_or_else(|| Problem::internal(&NoVerifier))?;
        let token = if let Some(token) = bearer(request.headers()) {
            token
        } else {
            let token = cookie(request.headers(), SESSION_COOKIE).ok_or_else(Problem::unauthorized)?;
            SameSite::check(request)?;
            token
        };
        Ok(verifier.verify(token).await?)
    }
}

/// A mistake in how the service is put together.
#[derive(Debug, thiserror::Error)]
#[error("the request's data has no token::Verifier")]
struct NoVerifier;

/// The token after `Authorization: Bearer` (RFC 6750; the scheme's case does not matter).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The value of the first cookie with this name (RFC 6265: browsers send the most specific path first).
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key.trim() == name).then(|| value.trim().trim_matches('"'))
    })
}

const BEARER: &str = "bearer";
const SESSION: &str = "session";

impl<'a> ApiExtractor<'a> for SignedIn {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        registry.create_security_scheme(
            BEARER,
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
            SESSION,
            MetaSecurityScheme {
                ty: "apiKey",
                description: Some("The cookie that sign-up, sign-in and refresh set: for pages of our own site."),
                name: Some(SESSION_COOKIE),
                key_in: Some("cookie"),
                scheme: None,
                bearer_format: None,
                flows: None,
                openid_connect_url: None,
            },
        );
    }

    /// Alternatives: one is enough.
    fn security_schemes() -> Vec<&'static str> {
        vec![BEARER, SESSION]
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        Ok(Self::check(request).await?)
    }
}

#[cfg(test)]
mod tests;
