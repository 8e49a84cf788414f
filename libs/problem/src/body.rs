use poem::http::StatusCode;

use crate::Problem;

/// The maximum size of a request body, in bytes.
pub const BODY_LIMIT: usize = 64 * 1024;

const CONTENT_TYPE: &str = "application/json";

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

/// 413: the body is longer than `limit` bytes.
pub fn payload_too_large(limit: usize) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "payload-too-large",
        "The body is too large",
    )
    .detail(format_args!("At most {limit} bytes are read."))
}
