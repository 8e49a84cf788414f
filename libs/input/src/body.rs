use poem::{Request, RequestBody};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaMediaType, MetaRequest, Registry},
};
use problem::{BODY_LIMIT, FieldErrors, Problem, unreadable_body};

use crate::{Field, Json, Place, check_is_json};

/// A JSON body of at most [`BODY_LIMIT`] bytes. A refusal names every invalid field, by its path: `price.amount`.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<'a, T: Field> ApiExtractor<'a> for Body<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        let content = vec![MetaMediaType {
            content_type: "application/json",
            schema: T::schema_ref(),
        }];
        Some(MetaRequest {
            description: None,
            content,
            required: true,
        })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        check_is_json(request)?;
        let bytes = body.take()?.into_bytes_limit(BODY_LIMIT).await;
        let bytes = bytes.map_err(|error| unreadable_body(&error, BODY_LIMIT))?;
        Ok(Self(parse(&bytes)?))
    }
}

fn parse<T: Field>(bytes: &[u8]) -> Result<T, Problem> {
    let json = Json::parse(bytes)
        .map_err(|error| Problem::malformed(format_args!("The body is not one JSON value: {error}.")))?;
    let mut errors = FieldErrors::new();
    let value = T::read(json, &Place::BODY, &mut errors);
    errors.into_result(value)
}
