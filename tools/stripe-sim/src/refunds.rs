//! `/v1/refunds` (<https://docs.stripe.com/api/refunds>).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    balance,
    cards::Afterwards,
    charges::Charge,
    currency, disputes,
    error::StripeError,
    events,
    form::Params,
    id,
    intent::PaymentIntent,
    later, methods,
    routes::Answer,
    store::{Object, Tx},
};

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "object", rename = "refund")]
pub(crate) struct Refund {
    id: String,
    amount: i64,
    balance_transaction: Option<String>,
    charge: String,
    created: i64,
    currency: String,
    destination_details: Value,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    failure_balance_transaction: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    failure_reason: Option<String>,
    metadata: BTreeMap<String, String>,
    payment_intent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pending_reason: Option<String>,
    reason: Option<String>,
    receipt_number: (),
    source_transfer_reversal: (),
    status: String,
    transfer_reversal: (),
}

impl Object for Refund {
    const KIND: &'static str = "refund";
    const NOUN: &'static str = "refund";

    fn id(&self) -> &str {
        &self.id
    }
}

impl Refund {
    pub(crate) fn is_of(&self, charge: &str) -> bool {
        self.charge == charge
    }
}

/// Gives back all that is left of a charge, or `amount` of it; never more than was captured.
pub(crate) fn create(tx: &Tx<'_>, params: &Params) -> Result<Answer, StripeError> {
    params.only(&["amount", "charge", "currency", "metadata", "payment_intent", "reason"])?;
    let amount = params.positive("amount")?;
    let reason = params.choice("reason", &["duplicate", "fraudulent", "requested_by_customer"])?;
    let mut metadata = BTreeMap::new();
    params.merge_metadata(&mut metadata)?;
    let mut charge = charge_of(tx, params)?;
    let left = charge.refundable();
    if !charge.captured {
        let message = format!(
            "Charge {} has not been captured: there is nothing to refund.",
            charge.id
        );
        return Err(StripeError::refused(Some("charge_not_refundable"), message));
    }
    if disputes::holds(tx, &charge.id)? {
        let message = format!("Charge {} has been charged back; cannot issue a refund.", charge.id);
        return Err(StripeError::refused(Some("charge_disputed"), message));
    }
    if left == 0 {
        let message = format!("Charge {} has already been refunded.", charge.id);
        return Err(StripeError::refused(Some("charge_already_refunded"), message));
    }
    let amount = amount.unwrap_or(left);
    if amount > left {
        let message = format!("Refund amount ({amount}) is greater than unrefunded amount on charge ({left})");
        return Err(StripeError::refused(Some("amount_too_large"), message).about("amount"));
    }
    currency::even(amount, &charge.currency)?;

    let fate = methods::afterwards(tx, charge.payment_method.as_deref().unwrap_or_default())?;
    let pends = matches!(fate, Afterwards::RefundPends);
    let id = id::new("re")?;
    let booking = balance::book_refund(tx, &id, amount, &charge.currency)?;
    let refund = Refund {
        id,
        amount,
        balance_transaction: Some(booking),
        charge: charge.id.clone(),
        created: tx.now.seconds(),
        currency: charge.currency.clone(),
        destination_details: json!({
            "card": { "reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund" },
            "type": "card",
        }),
        failure_balance_transaction: None,
        failure_reason: None,
        metadata,
        payment_intent: charge.payment_intent.clone(),
        pending_reason: pends.then(|| "processing".to_owned()),
        reason: reason.map(str::to_owned),
        receipt_number: (),
        source_transfer_reversal: (),
        status: if pends { "pending" } else { "succeeded" }.to_owned(),
        transfer_reversal: (),
    };
    tx.save(&refund)?;
    charge.give_back(tx, amount)?;
    if matches!(fate, Afterwards::RefundPends | Afterwards::RefundFails) {
        later::plan(tx, "refund", &refund.id)?;
    }
    if charge.refunded {
        disputes::refunded(tx, &charge.id)?;
    }
    events::emit(tx, "refund.created", &refund)?;
    events::emit(tx, "charge.refunded", &charge)?;
    Answer::ok(&refund)
}

pub(crate) fn retrieve(tx: &Tx<'_>, id: &str) -> Result<Answer, StripeError> {
    Answer::ok(&tx.get_by_path::<Refund>(id, "id")?)
}

/// What becomes of a refund, now that its time has come: as its card says.
pub(crate) fn settle(tx: &Tx<'_>, id: &str) -> Result<(), StripeError> {
    let refund: Refund = tx.get(id, "refund")?;
    let charge: Charge = tx.get(&refund.charge, "charge")?;
    let fails = matches!(
        methods::afterwards(tx, charge.payment_method.as_deref().unwrap_or_default())?,
        Afterwards::RefundFails
    );
    end(tx, id, !fails).map(|_| ())
}

/// A refund succeeds or fails. One that has failed cannot change any more; one that succeeded can still fail.
pub(crate) fn end(tx: &Tx<'_>, id: &str, succeeds: bool) -> Result<Answer, StripeError> {
    let mut refund: Refund = tx.get_by_path(id, "refund")?;
    match (refund.status.as_str(), succeeds) {
        ("pending", true) => {
            "succeeded".clone_into(&mut refund.status);
            refund.pending_reason = None;
            tx.save(&refund)?;
            events::emit(tx, "refund.updated", &refund)?;
            events::emit(tx, "charge.refund.updated", &refund)?;
        }
        ("pending" | "succeeded", false) => {
            "failed".clone_into(&mut refund.status);
            refund.pending_reason = None;
            refund.failure_reason = Some("unknown".to_owned());
            let booking = balance::book_refund_failure(tx, id, refund.amount, &refund.currency)?;
            refund.failure_balance_transaction = Some(booking);
            tx.save(&refund)?;
            let mut charge: Charge = tx.get(&refund.charge, "charge")?;
            charge.take_back(tx, refund.amount)?;
            events::emit(tx, "refund.updated", &refund)?;
            events::emit(tx, "charge.refund.updated", &refund)?;
            events::emit(tx, "refund.failed", &refund)?;
        }
        (status, _) => {
            let message = format!("This refund has a status of {status}: it cannot change to that.");
            return Err(StripeError::refused(None, message));
        }
    }
    Answer::ok(&refund)
}

pub(crate) fn update(tx: &Tx<'_>, id: &str, params: &Params) -> Result<Answer, StripeError> {
    params.only(&["metadata"])?;
    let mut refund: Refund = tx.get_by_path(id, "id")?;
    params.merge_metadata(&mut refund.metadata)?;
    tx.save(&refund)?;
    events::emit(tx, "refund.updated", &refund)?;
    Answer::ok(&refund)
}

pub(crate) fn list(tx: &Tx<'_>, params: &Params) -> Result<Answer, StripeError> {
    params.only(&[
        "limit",
        "starting_after",
        "ending_before",
        "created",
        "charge",
        "payment_intent",
    ])?;
    Answer::ok(&tx.list::<Refund>("/v1/refunds", params, &["charge", "payment_intent"])?)
}

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
            Err(StripeError::missing("payment_intent").say(message))
        }
    }
}
