//! `/v1/payment_methods` (<https://docs.stripe.com/api/payment_methods>).

use poem::http::StatusCode;

use super::Response;
use crate::{domain::payment_method, error::StripeError, form::Params, store::Tx};

pub(crate) fn create(tx: &Tx<'_>, params: &Params) -> Result<Response, StripeError> {
    Response::ok(&payment_method::from_data(tx, params)?)
}

pub(crate) fn retrieve(tx: &Tx<'_>, id: &str) -> Result<Response, StripeError> {
    Response::ok(&payment_method::by_id(tx, id, "payment_method").map_err(
        |error| match error.body.code.as_deref() {
            Some("resource_missing") => error.with_status(StatusCode::NOT_FOUND),
            _ => error,
        },
    )?)
}
