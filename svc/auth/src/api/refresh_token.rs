use poem::{Request, RequestBody};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions, Object,
    registry::{MetaRequest, Registry},
    types::Example,
};
use problem::{BODY_LIMIT, Body, Problem};
use serde::Deserialize;

use super::cookies::REFRESH_COOKIE;

/// A refresh token. Without a body, the cookie is used.
#[derive(Object, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[oai(rename_all = "camelCase", deny_unknown_fields, example)]
struct Refresh {
    /// The `refreshToken` of the last response.
    refresh_token: String,
}

impl Example for Refresh {
    fn example() -> Self {
        let token = "01936f5e-8c1b-7a51-8f0e-5f1d2c3b4a59.0.q8kzq0m1J9Y0b7n3c5v2x8z4l6k1j3h5g7f9d2s4a6Q";
        Self {
            refresh_token: token.to_owned(),
        }
    }
}

/// The refresh token of a request, from its body or its cookie.
pub(super) struct RefreshTokenParam(pub(super) String);

impl<'a> ApiExtractor<'a> for RefreshTokenParam {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        Body::<Refresh>::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        Body::<Refresh>::request_meta().map(|body| MetaRequest {
            required: false,
            ..body
        })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let bytes = body.take()?.into_bytes_limit(BODY_LIMIT).await?;
        if bytes.is_empty() {
            let token = token::cookie_value(request.headers(), REFRESH_COOKIE).filter(|token| !token.is_empty());
            return Ok(Self(token.ok_or_else(missing_token)?.to_owned()));
        }
        let mut body = RequestBody::new(bytes.into());
        let Body(Refresh { refresh_token }) = Body::from_request(request, &mut body, options).await?;
        Ok(Self(refresh_token))
    }
}

fn missing_token() -> Problem {
    Problem::unauthorized()
        .code("no-refresh-token")
        .detail("This needs a refresh token, as refreshToken in the body or as the cookie that sign-in sets.")
}
