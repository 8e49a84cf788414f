use poem::{
    Error, IntoResponse, Response,
    error::{CorsError, MethodNotAllowedError, NotFoundError, ReadBodyError},
    http::StatusCode,
};
use poem_openapi::error::{AuthorizationError, ContentTypeError, ParseParamError, ParsePathError};

use crate::{Problem, body};

/// Renders an error from before or around a handler as a problem; problems of a handler are unchanged.
///
/// All of poem's errors are converted here. `path_parameter` returns the name of a path's parameter by its number, counted
/// from 0: poem-openapi has only `param0`, `param1` …
pub fn from_error(error: Error, path_parameter: impl FnOnce(usize) -> Option<String>) -> Response {
    if let Some(problem) = error.downcast_ref::<Problem>() {
        // The error would drop the extensions of the response.
        return problem.clone().into_response();
    }
    if error.is_from_response() {
        return error.into_response();
    }
    problem(&error, path_parameter).into_response()
}

fn problem(error: &Error, path_parameter: impl FnOnce(usize) -> Option<String>) -> Problem {
    if let Some(ParsePathError { name, reason }) = error.downcast_ref() {
        let number = name.strip_prefix("param").and_then(|number| number.parse().ok());
        let field = number.and_then(path_parameter).unwrap_or_else(|| (*name).to_owned());
        return Problem::malformed("A part of the path is not as it must be.").field(field, parameter_error(reason));
    }
    if let Some(ParseParamError { name, reason }) = error.downcast_ref() {
        return Problem::malformed("A parameter is not as it must be.").field(*name, parameter_error(reason));
    }
    if error.downcast_ref::<AuthorizationError>().is_some() {
        return Problem::unauthorized();
    }
    if error.downcast_ref::<NotFoundError>().is_some() {
        return Problem::not_found("There is nothing at this path.");
    }
    if error.downcast_ref::<MethodNotAllowedError>().is_some() {
        return Problem::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            "Not possible with this method",
        );
    }
    if let Some(error) = error.downcast_ref::<ReadBodyError>() {
        return body::unreadable_body(error, body::BODY_LIMIT);
    }
    match error.downcast_ref::<ContentTypeError>() {
        Some(ContentTypeError::NotSupported { content_type }) => {
            return body::unsupported_media_type(Some(content_type));
        }
        Some(ContentTypeError::ExpectContentType) => return body::unsupported_media_type(None),
        None => {}
    }
    if let Some(error) = error.downcast_ref::<CorsError>() {
        return Problem::forbidden(error);
    }
    match error.status() {
        status if status.is_client_error() => Problem::new(status, "refused", "The request was refused").detail(error),
        _ => Problem::internal(error),
    }
}

/// Returns the error of a parameter in words for people. poem-openapi wraps it: `failed to parse "string_uuid": must be a UUID …
/// (occurred while parsing "…")`.
pub fn parameter_error(reason: &str) -> &str {
    let reason = reason
        .strip_prefix("failed to parse \"")
        .and_then(|rest| rest.split_once("\": "))
        .map_or(reason, |(_, rest)| rest);
    match reason.split(" (occurred while parsing").next().unwrap_or(reason) {
        missing if missing.ends_with("expects an input value.") => "is required",
        "Expect a valid enumeration value." => "must be one of the documented values",
        "provided string was not `true` or `false`" => "must be true or false",
        reason => reason,
    }
}
