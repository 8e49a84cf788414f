//! `/v1/refunds` (<https://docs.stripe.com/api/refunds>).

use std::collections::BTreeMap;

use super::Response;
use crate::{
    domain::{
        Charge, PaymentIntent, Refund, event,
        refund::{self, NewRefund},
    },
    error::StripeError,
    form::Params,
    store::Tx,
};

/// Refunds `amount` of a charge, or all that is left of it.
pub(crate) fn create(tx: &Tx<'_>, params: &Params) -> Result<Response, StripeError> {
    params.reject_unknown(&["amount", "charge", "currency", "metadata", "payment_intent", "reason"])?;
    let amount = params.positive_integer("amount")?;
    let reason = params.choice("reason", &["duplicate", "fraudulent", "requested_by_customer"])?;
    let mut metadata = BTreeMap::new();
    params.merge_metadata(&mut metadata)?;
    let charge = charge_of(tx, params)?;
    let request = NewRefund {
        amount,
        reason,
        metadata,
    };
    Response::ok(&refund::create(tx, charge, request)?)
}

pub(crate) fn retrieve(tx: &Tx<'_>, id: &str) -> Result<Response, StripeError> {
    Response::ok(&tx.get_by_path::<Refund>(id, "id")?)
}

pub(crate) fn update(tx: &Tx<'_>, id: &str, params: &Params) -> Result<Response, StripeError> {
    params.reject_unknown(&["metadata"])?;
    let mut refund: Refund = tx.get_by_path(id, "id")?;
    params.merge_metadata(&mut refund.metadata)?;
    tx.save(&refund)?;
    event::emit(tx, "refund.updated", &refund)?;
    Response::ok(&refund)
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
    Response::ok(&tx.list::<Refund>("/v1/refunds", params, &["charge", "payment_intent"])?)
}

/// Returns the charge that the request names, or the captured charge of the intent that it names.
fn charge_of(tx: &Tx<'_>, params: &Params) -> Result<Charge, StripeError> {
    match (params.text("charge")?, params.text("payment_intent")?) {
        (Some(_), Some(_)) => Err(StripeError::exclusive("charge", "payment_intent")),
        (Some(charge), None) => tx.get(charge, "charge"),
        (None, Some(id)) => {
            let intent: PaymentIntent = tx.get(id, "payment_intent")?;
            let charge: Option<Charge> = match &intent.latest_charge {
                Some(charge) => tx.find(charge)?,
                None => None,
            };
            charge.filter(|charge| charge.captured).ok_or_else(|| {
                let message = format!("This PaymentIntent ({id}) does not have a successful charge to refund.");
                StripeError::unexpected_state(message)
            })
        }
        (None, None) => {
            let message = "One of the following params should be provided for this request: payment_intent or charge.";
            Err(StripeError::missing("payment_intent").with_message(message))
        }
    }
}
