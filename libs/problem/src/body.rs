use std::{io, time::Duration};

use poem::{error::ReadBodyError, http::StatusCode};

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

/// 408, 413, 503 or 400: the body could not be read. `limit` is its maximum size in bytes.
pub fn unreadable_body(error: &ReadBodyError, limit: usize) -> Problem {
    match error {
        ReadBodyError::PayloadTooLarge => payload_too_large(limit),
        ReadBodyError::Io(error) if error.kind() == io::ErrorKind::TimedOut => Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "request-timeout",
            "The request did not arrive in time",
        )
        .detail("the body came too slowly; nothing was changed"),
        ReadBodyError::Io(error) if error.kind() == io::ErrorKind::QuotaExceeded => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not possible for now")
                .detail("the service receives too much data; nothing was changed")
                .retry_after(Duration::from_secs(2))
        }
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
