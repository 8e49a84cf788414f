//! `/v1/disputes` (<https://docs.stripe.com/api/disputes>).

use super::Response;
use crate::{
    domain::{Dispute, dispute},
    error::StripeError,
    form::Params,
    store::Tx,
};

pub(crate) fn retrieve(tx: &Tx<'_>, id: &str) -> Result<Response, StripeError> {
    Response::ok(&tx.get_by_path::<Dispute>(id, "dispute")?)
}

pub(crate) fn list(tx: &Tx<'_>, params: &Params) -> Result<Response, StripeError> {
    params.reject_unknown(&[
        "limit",
        "starting_after",
        "ending_before",
        "created",
        "charge",
        "payment_intent",
    ])?;
    Response::ok(&tx.list::<Dispute>("/v1/disputes", params, &["charge", "payment_intent"])?)
}

/// Adds evidence and, unless `submit=false`, submits it.
pub(crate) fn update(tx: &Tx<'_>, id: &str, params: &Params) -> Result<Response, StripeError> {
    Response::ok(&dispute::update(tx, id, params)?)
}

/// Accepts the dispute, which loses it.
pub(crate) fn close(tx: &Tx<'_>, id: &str, params: &Params) -> Result<Response, StripeError> {
    params.reject_unknown(&[])?;
    Response::ok(&dispute::close(tx, id)?)
}
