//! The response of an endpoint of `/v1`.

use poem::http::StatusCode;
use serde::Serialize;
use serde_json::Value;

use crate::error::StripeError;

/// A status and a JSON body. A declined card is a response as well, not an error: its changes are committed.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

impl Response {
    pub(crate) fn ok(object: &impl Serialize) -> Result<Self, StripeError> {
        Ok(Self {
            status: StatusCode::OK,
            body: serde_json::to_value(object)?,
        })
    }
}

impl From<&StripeError> for Response {
    fn from(error: &StripeError) -> Self {
        Self {
            status: error.status,
            body: error.to_json(),
        }
    }
}
