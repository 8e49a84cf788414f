use std::io;

use poem::{Request, RequestBody, error::ReadBodyError, http::StatusCode};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaMediaType, MetaRequest, Registry},
    types::Type,
};
use serde::de::DeserializeOwned;

use crate::Problem;

/// The maximum size of a request body, in bytes.
pub const BODY_LIMIT: usize = 64 * 1024;

const CONTENT_TYPE: &str = "application/json";

/// A JSON body of at most [`BODY_LIMIT`] bytes. Errors name the field: `price.amount`.
///
/// `T` derives both serde's trait (for reading) and poem-openapi's (for the document), each with `rename_all` and
/// `deny_unknown_fields`.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<'a, T: Type + DeserializeOwned> ApiExtractor<'a> for Body<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        let content = vec![MetaMediaType {
            content_type: CONTENT_TYPE,
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
        if !request.content_type().is_some_and(is_json) {
            return Err(unsupported_media_type(request.content_type()).into());
        }
        let bytes = body
            .take()?
            .into_bytes_limit(BODY_LIMIT)
            .await
            .map_err(|error| unreadable_body(&error, BODY_LIMIT))?;
        Ok(Self(parse(&bytes)?))
    }
}

/// `application/json`, or a format built on it, whatever its parameters.
fn is_json(content_type: &str) -> bool {
    let essence = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    essence == CONTENT_TYPE || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// 415: the content type of the body is not JSON.
pub fn unsupported_media_type(content_type: Option<&str>) -> Problem {
    let problem = Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported-media-type",
        "The body has a format that is not understood here",
    );
    match content_type {
        Some(sent) => problem.detail(format_args!("Send {CONTENT_TYPE}, not {sent}.")),
        None => problem.detail(format_args!("Send {CONTENT_TYPE}, and say so in Content-Type.")),
    }
}

/// 408, 413 or 400: the body could not be read. `limit` is its maximum size in bytes.
pub fn unreadable_body(error: &ReadBodyError, limit: usize) -> Problem {
    match error {
        ReadBodyError::PayloadTooLarge => payload_too_large(limit),
        ReadBodyError::Io(error) if error.kind() == io::ErrorKind::TimedOut => Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "request-timeout",
            "The request did not arrive in time",
        )
        .detail("the body came too slowly; nothing was changed"),
        other => Problem::malformed(format_args!("The body could not be read: {other}.")),
    }
}

/// 413: the body is longer than `limit` bytes.
pub fn payload_too_large(limit: usize) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "payload-too-large",
        "The body is too large",
    )
    .detail(format_args!("At most {limit} bytes are read."))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let error = error.into_inner();
        if error.classify() == serde_json::error::Category::Data {
            let (field, message) = field_and_message(&path, &error.to_string());
            Problem::invalid(field, message)
        } else {
            Problem::malformed(format_args!("The body is not JSON: {error}."))
        }
    })?;
    json.end()
        .map_err(|error| Problem::malformed(format_args!("The body is not one JSON value: {error}.")))?;
    Ok(value)
}

/// Returns the field of a serde error, and the message without the position in the text.
fn field_and_message(path: &str, error: &str) -> (String, String) {
    let message = error.split(" at line ").next().unwrap_or(error);
    let parent = if path == "." || path == "?" { "" } else { path };
    for (start, text) in [
        ("missing field `", "is required"),
        ("unknown field `", "is not known here"),
        ("duplicate field `", "comes twice"),
    ] {
        if let Some((name, _)) = message.strip_prefix(start).and_then(|rest| rest.split_once('`')) {
            let last = parent.rsplit('.').next().unwrap_or_default();
            let field = match parent {
                "" => name.to_owned(),
                _ if last == name => parent.to_owned(),
                _ => format!("{parent}.{name}"),
            };
            return (field, text.to_owned());
        }
    }
    (
        if parent.is_empty() {
            "body".to_owned()
        } else {
            parent.to_owned()
        },
        message.to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use poem::{IntoResponse, http::StatusCode};
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;

    #[derive(Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    struct Ticket {
        #[expect(dead_code, reason = "only deserialised")]
        title: String,
        #[expect(dead_code, reason = "only deserialised")]
        price: Price,
    }

    #[derive(Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    struct Price {
        #[expect(dead_code, reason = "only deserialised")]
        amount: i64,
    }

    async fn refusal(body: &str) -> (StatusCode, Value) {
        let response = parse::<Ticket>(body.as_bytes()).unwrap_err().into_response();
        let status = response.status();
        (
            status,
            serde_json::from_slice(&response.into_body().into_bytes().await.unwrap()).unwrap(),
        )
    }

    #[tokio::test]
    async fn an_invalid_field_is_named() {
        for (body, field, message) in [
            (r"{}", "title", "is required"),
            (r#"{"title":"a","price":{}}"#, "price.amount", "is required"),
            (
                r#"{"title":"a","price":{"amount":1,"more":2}}"#,
                "price.more",
                "is not known here",
            ),
            (r#"{"title":"a","title":"b"}"#, "title", "comes twice"),
            (
                r#"{"title":"a","price":{"amount":1.5}}"#,
                "price.amount",
                "invalid type: floating point `1.5`, expected i64",
            ),
            (
                r#"{"title":7}"#,
                "title",
                "invalid type: integer `7`, expected a string",
            ),
            (
                r"[]",
                "body",
                "invalid length 0, expected struct Ticket with 2 elements",
            ),
        ] {
            let (status, problem) = refusal(body).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
            assert_eq!(
                problem["errors"],
                json!([{"field": field, "message": message}]),
                "{body}"
            );
        }
    }

    #[tokio::test]
    async fn a_body_that_is_not_json_is_malformed() {
        for body in ["", "{", "no", r#"{"title":"a","price":{"amount":1}} more"#, "\u{0}"] {
            let (status, problem) = refusal(body).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
            assert_eq!(problem["type"], "urn:ticketing:problem:malformed", "{body}");
        }
    }
}
