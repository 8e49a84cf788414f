//! Refunds: created by the seller, ended by the card or by a test.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Charge, balance_transaction, currency, dispute, event, payment_method, test_card::AfterPayment};
use crate::{
    error::StripeError,
    id,
    store::{EffectKind, Object, Tx, schedule},
};

/// A refund of a part or of all of one captured charge.
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
    pub(crate) metadata: BTreeMap<String, String>,
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
    pub(crate) fn belongs_to(&self, charge: &str) -> bool {
        self.charge == charge
    }
}

/// The parameters of a new refund.
pub(crate) struct NewRefund<'p> {
    /// In minor units; all that is left when `None`.
    pub(crate) amount: Option<i64>,
    pub(crate) reason: Option<&'p str>,
    pub(crate) metadata: BTreeMap<String, String>,
}

/// Creates a refund. The refunds of a charge never exceed its captured amount.
pub(crate) fn create(tx: &Tx<'_>, mut charge: Charge, request: NewRefund<'_>) -> Result<Refund, StripeError> {
    let left = charge.refundable();
    if !charge.captured {
        let message = format!(
            "Charge {} has not been captured: there is nothing to refund.",
            charge.id
        );
        return Err(StripeError::refused(Some("charge_not_refundable"), message));
    }
    if dispute::blocks_refund(tx, &charge.id)? {
        let message = format!("Charge {} has been charged back; cannot issue a refund.", charge.id);
        return Err(StripeError::refused(Some("charge_disputed"), message));
    }
    if left == 0 {
        let message = format!("Charge {} has already been refunded.", charge.id);
        return Err(StripeError::refused(Some("charge_already_refunded"), message));
    }
    let amount = request.amount.unwrap_or(left);
    if amount > left {
        let message = format!("Refund amount ({amount}) is greater than unrefunded amount on charge ({left})");
        return Err(StripeError::refused(Some("amount_too_large"), message).with_param("amount"));
    }
    currency::check_divisible(amount, &charge.currency)?;

    let outcome = payment_method::after_payment(tx, charge.payment_method.as_deref().unwrap_or_default())?;
    let pending = matches!(outcome, AfterPayment::RefundPending);
    let id = id::new("re")?;
    let booking = balance_transaction::book_refund(tx, &id, amount, &charge.currency)?;
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
        metadata: request.metadata,
        payment_intent: charge.payment_intent.clone(),
        pending_reason: pending.then(|| "processing".to_owned()),
        reason: request.reason.map(str::to_owned),
        receipt_number: (),
        source_transfer_reversal: (),
        status: if pending { "pending" } else { "succeeded" }.to_owned(),
        transfer_reversal: (),
    };
    tx.save(&refund)?;
    charge.add_refund(tx, amount)?;
    if matches!(outcome, AfterPayment::RefundPending | AfterPayment::RefundFails) {
        schedule(tx, EffectKind::Refund, &refund.id)?;
    }
    if charge.refunded {
        dispute::close_inquiries(tx, &charge.id)?;
    }
    event::emit(tx, "refund.created", &refund)?;
    event::emit(tx, "charge.refunded", &charge)?;
    Ok(refund)
}

/// Ends a refund with the outcome that its test card stands for.
pub(crate) fn end_scheduled(tx: &Tx<'_>, id: &str) -> Result<(), StripeError> {
    let refund: Refund = tx.get(id, "refund")?;
    let charge: Charge = tx.get(&refund.charge, "charge")?;
    let fails = matches!(
        payment_method::after_payment(tx, charge.payment_method.as_deref().unwrap_or_default())?,
        AfterPayment::RefundFails
    );
    end(tx, id, !fails).map(|_| ())
}

/// Ends a refund. A failed one is final; one that succeeded can still fail.
pub(crate) fn end(tx: &Tx<'_>, id: &str, succeeds: bool) -> Result<Refund, StripeError> {
    let mut refund: Refund = tx.get_by_path(id, "refund")?;
    match (refund.status.as_str(), succeeds) {
        ("pending", true) => {
            "succeeded".clone_into(&mut refund.status);
            refund.pending_reason = None;
            tx.save(&refund)?;
            event::emit(tx, "refund.updated", &refund)?;
            event::emit(tx, "charge.refund.updated", &refund)?;
        }
        ("pending" | "succeeded", false) => {
            "failed".clone_into(&mut refund.status);
            refund.pending_reason = None;
            refund.failure_reason = Some("unknown".to_owned());
            let booking = balance_transaction::book_refund_failure(tx, id, refund.amount, &refund.currency)?;
            refund.failure_balance_transaction = Some(booking);
            tx.save(&refund)?;
            let mut charge: Charge = tx.get(&refund.charge, "charge")?;
            charge.remove_refund(tx, refund.amount)?;
            event::emit(tx, "refund.updated", &refund)?;
            event::emit(tx, "charge.refund.updated", &refund)?;
            event::emit(tx, "refund.failed", &refund)?;
        }
        (status, _) => {
            let message = format!("This refund has a status of {status}: it cannot change to that.");
            return Err(StripeError::refused(None, message));
        }
    }
    Ok(refund)
}
