use std::time::Duration;

use http::StatusCode;
use poem::Response;

use crate::api_client::{ApiError, Refusal};

/// The outcome of a handler.
pub(crate) type PageResult = Result<Response, Failure>;

/// Why a page cannot be shown.
#[derive(Debug)]
pub(crate) enum Failure {
    /// There is nothing at this address, or not for this person.
    NotFound,
    /// The person has to sign in first, and then returns to this page.
    SignInFirst,
    /// The person has requested the deletion of the account, and is shown that first.
    AccountClosing,
    /// The person may not do this.
    Forbidden,
    /// The request is not as a browser sends it from our pages.
    Malformed,
    MethodNotAllowed,
    /// The form is larger than any form of ours.
    TooLarge,
    TooManyRequests(Option<Duration>),
    /// A service does not respond.
    Unavailable,
    /// A defect.
    Internal,
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::Refused(refusal) => Self::of_refusal(&refusal),
            ApiError::Unavailable { service, reason } => {
                tracing::warn!(%service, reason, "call failed, a page of status 503 is shown");
                Self::Unavailable
            }
            ApiError::Unreadable { service, reason } => {
                tracing::error!(%service, reason, "response of a service could not be read");
                Self::Internal
            }
        }
    }
}

impl Failure {
    fn of_refusal(refusal: &Refusal) -> Self {
        match refusal.status {
            StatusCode::UNAUTHORIZED => Self::SignInFirst,
            StatusCode::FORBIDDEN => Self::Forbidden,
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::TOO_MANY_REQUESTS => Self::TooManyRequests(refusal.retry_after),
            StatusCode::CONFLICT if refusal.kind == "account-closing" => Self::AccountClosing,
            status => {
                let (service, kind, detail) = (refusal.service, &refusal.kind, &refusal.detail);
                tracing::warn!(%service, %status, kind, detail, "refusal without a page of its own");
                Self::Malformed
            }
        }
    }

    pub(super) const fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::SignInFirst | Self::AccountClosing => StatusCode::SEE_OTHER,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooManyRequests(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}
