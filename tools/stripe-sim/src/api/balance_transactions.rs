//! `/v1/balance_transactions` (<https://docs.stripe.com/api/balance_transactions>).

use super::Response;
use crate::{domain::BalanceTransaction, error::StripeError, form::Params, store::Tx};

pub(crate) fn retrieve(tx: &Tx<'_>, id: &str) -> Result<Response, StripeError> {
    Response::ok(&tx.get_by_path::<BalanceTransaction>(id, "id")?)
}

pub(crate) fn list(tx: &Tx<'_>, params: &Params) -> Result<Response, StripeError> {
    params.reject_unknown(&[
        "limit",
        "starting_after",
        "ending_before",
        "created",
        "currency",
        "source",
        "type",
    ])?;
    let filters = ["currency", "source", "type"];
    Response::ok(&tx.list::<BalanceTransaction>("/v1/balance_transactions", params, &filters)?)
}
