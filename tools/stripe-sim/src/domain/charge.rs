//! Charges: one for each attempt at a card, approved or declined.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    PaymentIntent, PaymentMethod, balance_transaction, event, payment_method,
    test_card::{AfterPayment, Decline, TestCard},
};
use crate::{
    error::StripeError,
    id,
    store::{EffectKind, Object, Tx, schedule},
};

/// An authorisation of a card is valid for seven days.
const AUTHORISATION_SECONDS: i64 = 7 * 24 * 60 * 60;

/// One attempt to charge a card for an intent.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "object", rename = "charge")]
#[expect(clippy::struct_excessive_bools, reason = "the fields are Stripe's")]
pub(crate) struct Charge {
    pub(crate) id: String,
    pub(crate) amount: i64,
    pub(crate) amount_captured: i64,
    pub(crate) amount_refunded: i64,
    application: (),
    application_fee: (),
    application_fee_amount: (),
    pub(crate) balance_transaction: Option<String>,
    billing_details: Value,
    calculated_statement_descriptor: Option<String>,
    pub(crate) captured: bool,
    created: i64,
    pub(crate) currency: String,
    customer: (),
    description: Option<String>,
    pub(crate) disputed: bool,
    failure_balance_transaction: (),
    failure_code: Option<String>,
    failure_message: Option<String>,
    fraud_details: Value,
    livemode: bool,
    metadata: BTreeMap<String, String>,
    on_behalf_of: (),
    outcome: Value,
    paid: bool,
    pub(crate) payment_intent: Option<String>,
    pub(crate) payment_method: Option<String>,
    pub(crate) payment_method_details: Value,
    receipt_email: Option<String>,
    receipt_number: (),
    receipt_url: (),
    pub(crate) refunded: bool,
    review: (),
    shipping: (),
    source_transfer: (),
    statement_descriptor: Option<String>,
    statement_descriptor_suffix: Option<String>,
    status: String,
    transfer_data: (),
    transfer_group: Option<String>,
}

impl Object for Charge {
    const KIND: &'static str = "charge";
    const NOUN: &'static str = "charge";

    fn id(&self) -> &str {
        &self.id
    }
}

impl Charge {
    /// Returns the charge of an attempt: approved, or declined for a reason. The caller stores it.
    pub(crate) fn attempt(
        tx: &Tx<'_>,
        intent: &PaymentIntent,
        method: &PaymentMethod,
        card: &TestCard,
        authenticated: bool,
        decline: Option<&Decline>,
    ) -> Result<Self, StripeError> {
        let approved = decline.is_none();
        Ok(Self {
            id: id::new("ch")?,
            amount: intent.amount,
            amount_captured: 0,
            amount_refunded: 0,
            application: (),
            application_fee: (),
            application_fee_amount: (),
            balance_transaction: None,
            billing_details: method.billing_details.clone(),
            calculated_statement_descriptor: approved.then(|| "STRIPE-SIM".to_owned()),
            captured: false,
            created: tx.now.seconds(),
            currency: intent.currency.clone(),
            customer: (),
            description: intent.description.clone(),
            disputed: false,
            failure_balance_transaction: (),
            failure_code: decline.map(|decline| decline.code.to_owned()),
            failure_message: decline.map(|decline| decline.message.to_owned()),
            fraud_details: json!({}),
            livemode: false,
            metadata: intent.metadata.clone(),
            on_behalf_of: (),
            outcome: outcome(decline),
            paid: approved,
            payment_intent: Some(intent.id.clone()),
            payment_method: Some(method.id.clone()),
            payment_method_details: payment_method_details(tx, intent, method, card, authenticated, approved),
            receipt_email: intent.receipt_email.clone(),
            receipt_number: (),
            receipt_url: (),
            refunded: false,
            review: (),
            shipping: (),
            source_transfer: (),
            statement_descriptor: intent.statement_descriptor.clone(),
            statement_descriptor_suffix: intent.statement_descriptor_suffix.clone(),
            status: if approved { "succeeded" } else { "failed" }.to_owned(),
            transfer_data: (),
            transfer_group: intent.transfer_group.clone(),
        })
    }

    /// Captures `amount` of the authorisation and books it.
    pub(crate) fn capture(&mut self, tx: &Tx<'_>, amount: i64) -> Result<(), StripeError> {
        self.captured = true;
        self.amount_captured = amount;
        self.balance_transaction = Some(balance_transaction::book_charge(tx, &self.id, amount, &self.currency)?);
        match payment_method::after_payment(tx, self.payment_method.as_deref().unwrap_or_default())? {
            AfterPayment::Dispute(_) => schedule(tx, EffectKind::Dispute, &self.id),
            _ => Ok(()),
        }
    }

    /// Releases the authorisation, which Stripe shows as a refund in full.
    pub(crate) fn void(&mut self, tx: &Tx<'_>) -> Result<(), StripeError> {
        self.amount_refunded = self.amount;
        self.refunded = true;
        tx.save(self)?;
        event::emit(tx, "charge.refunded", self)
    }

    /// Returns the amount that can still be refunded.
    pub(crate) fn refundable(&self) -> i64 {
        if self.captured {
            self.amount_captured - self.amount_refunded
        } else {
            0
        }
    }

    /// Reverses a refund that failed.
    pub(crate) fn remove_refund(&mut self, tx: &Tx<'_>, amount: i64) -> Result<(), StripeError> {
        self.amount_refunded -= amount;
        self.refunded = false;
        tx.save(self)
    }

    /// Records a refund of a part of the captured amount.
    pub(crate) fn add_refund(&mut self, tx: &Tx<'_>, amount: i64) -> Result<(), StripeError> {
        self.amount_refunded += amount;
        self.refunded = self.amount_refunded == self.amount_captured;
        tx.save(self)
    }
}

/// Returns the `outcome` of a charge: what the bank or Stripe itself decided.
fn outcome(decline: Option<&Decline>) -> Value {
    let (network, reason, risk, score, message, kind) = match decline {
        None => (
            "approved_by_network",
            None,
            "normal",
            20,
            "Payment complete.",
            "authorized",
        ),
        Some(decline) if decline.blocked => (
            "not_sent_to_network",
            Some("highest_risk_level"),
            "highest",
            80,
            "Stripe blocked this payment as too risky.",
            "blocked",
        ),
        Some(decline) => (
            "declined_by_network",
            Some(decline.reason),
            "normal",
            20,
            "The bank did not return any further details with this decline.",
            "issuer_declined",
        ),
    };
    json!({
        "advice_code": null,
        "network_advice_code": null,
        "network_decline_code": null,
        "network_status": network,
        "reason": reason,
        "risk_level": risk,
        "risk_score": score,
        "seller_message": message,
        "type": kind,
    })
}

/// Returns the `payment_method_details` of a charge.
fn payment_method_details(
    tx: &Tx<'_>,
    intent: &PaymentIntent,
    method: &PaymentMethod,
    card: &TestCard,
    authenticated: bool,
    approved: bool,
) -> Value {
    let unavailable = json!({ "status": "unavailable" });
    let cvc = if approved { card.cvc_check() } else { "unchecked" };
    let mut details = json!({
        "card": {
            "amount_authorized": approved.then_some(intent.amount),
            "authorization_code": approved.then_some("123456"),
            "brand": card.brand,
            "checks": {
                "address_line1_check": null, "address_postal_code_check": null, "cvc_check": cvc,
            },
            "country": card.country,
            "exp_month": method.card["exp_month"],
            "exp_year": method.card["exp_year"],
            "extended_authorization": { "status": "disabled" },
            "fingerprint": card.fingerprint(),
            "funding": card.funding,
            "incremental_authorization": unavailable,
            "installments": null,
            "last4": card.last4(),
            "mandate": null,
            "multicapture": unavailable,
            "network": card.brand,
            "network_token": { "used": false },
            "network_transaction_id": null,
            "overcapture": { "maximum_amount_capturable": intent.amount, "status": "unavailable" },
            "regulated_status": "unregulated",
            "three_d_secure": authenticated.then(|| json!({
                "authentication_flow": "challenge",
                "electronic_commerce_indicator": "05",
                "exemption_indicator": null,
                "result": "authenticated",
                "result_reason": null,
                "transaction_id": null,
                "version": "2.2.0",
            })),
            "wallet": null,
        },
        "type": "card",
    });
    if approved && intent.has_manual_capture() {
        details["card"]["capture_before"] = (tx.now.seconds() + AUTHORISATION_SECONDS).into();
    }
    details
}
