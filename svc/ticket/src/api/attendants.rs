//! Who admits people: the seller, or a door by its token.

use poem::{Request, RequestBody, http::header};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaSecurityScheme, Registry},
};
use problem::Problem;
use token::SignedIn;

use super::app::App;
use crate::{
    domain::{Attendant, DoorToken, TOKEN_PREFIX},
    store,
};

const DOOR_SCHEME: &str = "door";

/// The attendant of a request: a signed-in user, or a door. An extractor and security scheme of poem-openapi.
#[derive(Clone, Debug)]
pub(super) struct AttendantAuth(pub(super) Attendant);

/// Returns the token of a door, if the request has one.
fn door_token(request: &Request) -> Option<DoorToken> {
    let mut lines = request.headers().get_all(header::AUTHORIZATION).into_iter();
    let line = lines.next()?.to_str().ok()?.trim();
    if lines.next().is_some() {
        return None;
    }
    let (scheme, token) = line.split_once(' ')?;
    let token = token.trim();
    let is_door = scheme.eq_ignore_ascii_case("bearer") && token.starts_with(TOKEN_PREFIX);
    is_door.then(|| DoorToken::new(token))
}

async fn authenticate(request: &Request) -> Result<Attendant, Problem> {
    let (Some(token), Some(app)) = (door_token(request), request.data::<App>()) else {
        return Ok(Attendant::User(SignedIn::authenticate(request).await?.user_id));
    };
    let now = app.clock.now();
    let door = app
        .db
        .read(move |conn| store::door_of_token(conn, token.hash(), now))
        .await?;
    door.map(Attendant::Door).ok_or_else(Problem::unauthorized)
}

impl<'a> ApiExtractor<'a> for AttendantAuth {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        SignedIn::register(registry);
        registry.create_security_scheme(
            DOOR_SCHEME,
            MetaSecurityScheme {
                ty: "http",
                description: Some("The `token` of `createDoor`: for helpers at the door of one listing."),
                name: None,
                key_in: None,
                scheme: Some("bearer"),
                bearer_format: None,
                flows: None,
                openid_connect_url: None,
            },
        );
    }

    /// Alternatives: one of them is enough.
    fn security_schemes() -> Vec<&'static str> {
        let mut schemes = SignedIn::security_schemes();
        schemes.push(DOOR_SCHEME);
        schemes
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        Ok(Self(authenticate(request).await?))
    }
}
