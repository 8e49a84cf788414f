//! `/v1/events` (<https://docs.stripe.com/api/events>).

use super::Response;
use crate::{domain::Event, error::StripeError, form::Params, store::Tx};

pub(crate) fn retrieve(tx: &Tx<'_>, id: &str) -> Result<Response, StripeError> {
    Response::ok(&tx.get_by_path::<Event>(id, "id")?)
}

pub(crate) fn list(tx: &Tx<'_>, params: &Params) -> Result<Response, StripeError> {
    params.reject_unknown(&["limit", "starting_after", "ending_before", "created", "type"])?;
    Response::ok(&tx.list::<Event>("/v1/events", params, &["type"])?)
}
