use poem::{
    Request, RequestBody,
    http::{Extensions, header},
};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaMediaType, MetaRequest, Registry},
};
use problem::{BODY_LIMIT, Problem, payload_too_large, unreadable_body};
use serde_json::error::Category;

use crate::{Errors, Field, Json, Place, media_type::check_is_json};

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
        let bytes = read_json(request, body, BODY_LIMIT).await?;
        Ok(Self(parse(&bytes, request.extensions())?))
    }
}

/// Reads a body that is announced as JSON. A body whose announced length exceeds `limit` bytes is refused unread.
pub async fn read_json(request: &Request, body: &mut RequestBody, limit: usize) -> poem::Result<bytes::Bytes> {
    check_is_json(request)?;
    let length = request
        .header(header::CONTENT_LENGTH)
        .and_then(|length| length.parse().ok());
    if length.is_some_and(|length: usize| length > limit) {
        return Err(payload_too_large(limit).into());
    }
    let bytes = body.take()?.into_bytes_limit(limit).await;
    Ok(bytes.map_err(|error| unreadable_body(&error, limit))?)
}

fn parse<T: Field>(bytes: &[u8], data: &Extensions) -> Result<T, Problem> {
    let json = Json::parse(bytes).map_err(|error| malformed(bytes, &error))?;
    let mut errors = Errors::with_data(data);
    let value = T::read(json, &Place::BODY, &mut errors);
    errors.into_result(value)
}

/// Describes in words where a body is not JSON.
fn malformed(bytes: &[u8], error: &serde_json::Error) -> Problem {
    if bytes.trim_ascii().is_empty() {
        return Problem::malformed("The body is empty: it must be a JSON object.");
    }
    let (line, column) = (error.line(), error.column());
    match error.classify() {
        Category::Eof => Problem::malformed("The body ends before its JSON value is complete."),
        _ => Problem::malformed(format_args!(
            "The body is not valid JSON: see line {line}, column {column}."
        )),
    }
}
