use chassis::ClientAddress;
use poem::{FromRequest, Request, RequestBody};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaSecurityScheme, Registry},
};
use problem::Problem;
use token::{CsrfGuard, SignedIn};

use super::cookies::REFRESH_COOKIE;
use crate::use_cases::SignOut;

/// The tokens of a request to sign out: an access token, the refresh cookie, or both. One of them has to be valid: a page
/// whose access token has expired can sign out by its refresh cookie.
pub(super) struct SignOutTokens(pub(super) SignOut);

const REFRESH_SCHEME: &str = "refresh";

impl<'a> ApiExtractor<'a> for SignOutTokens {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        SignedIn::register(registry);
        registry.create_security_scheme(
            REFRESH_SCHEME,
            MetaSecurityScheme {
                ty: "apiKey",
                description: Some(
                    "The refresh cookie that sign-up, sign-in and refresh set: for pages of our own site.",
                ),
                name: Some(REFRESH_COOKIE.name),
                key_in: Some("cookie"),
                scheme: None,
                bearer_format: None,
                flows: None,
                openid_connect_url: None,
            },
        );
    }

    fn security_schemes() -> Vec<&'static str> {
        let mut schemes = SignedIn::security_schemes();
        schemes.push(REFRESH_SCHEME);
        schemes
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let ClientAddress(client) = <ClientAddress as FromRequest>::from_request(request, body).await?;
        let signed_in = SignedIn::authenticate(request).await;
        let refresh_token = refresh_cookie(request)?;
        let session_id = match signed_in {
            Ok(signed_in) => Some(signed_in.session_id),
            Err(_) if refresh_token.is_some() => None,
            Err(problem) => return Err(problem.into()),
        };
        Ok(Self(SignOut {
            session_id,
            refresh_token,
            client,
        }))
    }
}

fn refresh_cookie(request: &Request) -> Result<Option<String>, Problem> {
    let token = REFRESH_COOKIE
        .value(request.headers())?
        .filter(|token| !token.is_empty());
    if token.is_some() {
        CsrfGuard::check(request)?;
    }
    Ok(token.map(ToOwned::to_owned))
}
