//! `/v1/charges` (<https://docs.stripe.com/api/charges>). Charges are created by confirming an intent.

use super::Response;
use crate::{domain::Charge, error::StripeError, form::Params, store::Tx};

pub(crate) fn retrieve(tx: &Tx<'_>, id: &str) -> Result<Response, StripeError> {
    Response::ok(&tx.get_by_path::<Charge>(id, "id")?)
}

pub(crate) fn list(tx: &Tx<'_>, params: &Params) -> Result<Response, StripeError> {
    params.reject_unknown(&[
        "limit",
        "starting_after",
        "ending_before",
        "created",
        "payment_intent",
        "transfer_group",
    ])?;
    Response::ok(&tx.list::<Charge>("/v1/charges", params, &["payment_intent", "transfer_group"])?)
}
