use input::{Body, Text};
use poem::{Request, RequestBody};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaRequest, Registry},
};
use problem::{BODY_LIMIT, Problem};

use super::{
    cookies::REFRESH_COOKIE,
    delivery::{Delivery, DeliveryRule},
};

input::object! {
    /// A refresh token. Without a body, the cookie is used.
    #[secret]
    struct Refresh {
        /// The `refreshToken` of the last response.
        refresh_token as "refreshToken": String,
        /// How the new tokens are delivered: `json` in the body, `cookies` in cookies that scripts cannot read.
        delivery as "delivery": Text<DeliveryRule> = "json",
    }
    example: {
        "refreshToken": "01936f5e-8c1b-7a51-8f0e-5f1d2c3b4a59.0.q8kzq0m1J9Y0b7n3c5v2x8z4l6k1j3h5g7f9d2s4a6Q"
    }
}

/// The refresh token of a request, from its body or its cookie.
pub(super) struct RefreshTokenParam {
    pub(super) token: String,
    /// How the next tokens are delivered: as cookies if this one came as a cookie, else as the body chooses.
    pub(super) delivery: Delivery,
}

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
            let token = REFRESH_COOKIE
                .value(request.headers())?
                .filter(|token| !token.is_empty());
            return Ok(Self {
                token: token.ok_or_else(missing_token)?.to_owned(),
                delivery: Delivery::Cookies,
            });
        }
        let mut body = RequestBody::new(bytes.into());
        let Body(body) = Body::<Refresh>::from_request(request, &mut body, options).await?;
        Ok(Self {
            token: body.refresh_token,
            delivery: body.delivery.0,
        })
    }
}

fn missing_token() -> Problem {
    Problem::unauthorized()
        .code("no-refresh-token")
        .detail("This needs a refresh token, as refreshToken in the body or as the cookie that sign-in sets.")
}
