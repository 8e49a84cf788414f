use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use values::{Money, Timestamp};

use super::Service;

/// Why a call failed.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// The service could not be reached, or cannot serve at the moment. A write may have been done nevertheless.
    #[error("{service} is not available: {reason}")]
    Unavailable { service: Service, reason: String },
    /// The service refused the request.
    #[error("{} refused with {}: {}", .0.service, .0.status, .0.title)]
    Refused(Box<Refusal>),
    /// The response is not as expected.
    #[error("{service} sent an unreadable response: {reason}")]
    Unreadable { service: Service, reason: String },
}

/// A refusal: the problem document of a service (RFC 9457).
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) service: Service,
    pub(crate) status: StatusCode,
    /// The type without its prefix, such as `sold-out`; see docs/problems.md.
    pub(crate) kind: String,
    pub(crate) title: String,
    pub(crate) code: Option<String>,
    pub(crate) detail: Option<String>,
    /// The price of a ticket now; only of `price-changed`.
    pub(crate) current_price: Option<Money>,
    /// When a ticket was used; only of `already-admitted`.
    pub(crate) used_at: Option<Timestamp>,
    /// The name of the door at which it was used; none if the seller admitted the holder.
    pub(crate) door: Option<String>,
    pub(crate) errors: Vec<FieldProblem>,
    pub(crate) retry_after: Option<Duration>,
}

impl Refusal {
    /// Returns the whole minutes after which the request may be sent again; one if the service does not state it.
    pub(crate) fn minutes_to_wait(&self) -> u64 {
        self.retry_after.map_or(1, |wait| wait.as_secs().div_ceil(60).max(1))
    }
}

/// An invalid field.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub(crate) struct FieldProblem {
    /// The path of the field in the body: `price.amount`.
    pub(crate) field: String,
    pub(crate) message: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Document {
    #[serde(rename = "type")]
    kind: String,
    title: String,
    code: Option<String>,
    detail: Option<String>,
    current_price: Option<Money>,
    used_at: Option<Timestamp>,
    door: Option<String>,
    errors: Vec<FieldProblem>,
}

impl ApiError {
    /// Returns the error of a response that is not a success.
    pub(super) fn of_response(service: Service, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let document: Document = serde_json::from_slice(body).unwrap_or_default();
        if status.is_server_error() {
            let reason = format!("it responded {status} {}", document.title);
            return Self::Unavailable { service, reason };
        }
        let retry_after = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
        Self::Refused(Box::new(Refusal {
            service,
            status,
            kind: document.kind.rsplit(':').next().unwrap_or_default().to_owned(),
            title: document.title,
            code: document.code,
            detail: document.detail,
            current_price: document.current_price,
            used_at: document.used_at,
            door: document.door,
            errors: document.errors,
            retry_after: retry_after
                .and_then(|seconds| seconds.parse().ok())
                .map(Duration::from_secs),
        }))
    }

    /// Returns the refusal, if it is one.
    pub(crate) fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::Unavailable { .. } | Self::Unreadable { .. } => None,
        }
    }

    /// Whether the service refused with this status.
    pub(crate) fn is_status(&self, status: StatusCode) -> bool {
        self.refusal().is_some_and(|refusal| refusal.status == status)
    }

    /// Whether the service refused for this reason.
    pub(crate) fn is_kind(&self, kind: &str) -> bool {
        self.refusal().is_some_and(|refusal| refusal.kind == kind)
    }
}
