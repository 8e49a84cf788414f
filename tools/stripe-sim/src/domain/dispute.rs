//! Disputes: the buyer's bank reverses a payment, or inquires about it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    Charge,
    balance_transaction::{self, BalanceTransaction},
    event,
    evidence::EVIDENCE,
    payment_method,
    test_card::{AfterPayment, DisputeReason},
};
use crate::{
    error::StripeError,
    form::Params,
    id,
    store::{EffectKind, Object, Tx, schedule},
};

/// How long a seller may respond, in seconds.
const RESPONSE_SECONDS: i64 = 9 * 24 * 60 * 60;

/// Stripe's fee for a dispute, in minor units: $15.
const FEE: i64 = 1500;

/// A dispute over all of one charge.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "object", rename = "dispute")]
pub(crate) struct Dispute {
    id: String,
    amount: i64,
    balance_transactions: Vec<BalanceTransaction>,
    charge: String,
    created: i64,
    currency: String,
    enhanced_eligibility_types: Vec<String>,
    evidence: Map<String, Value>,
    evidence_details: Value,
    is_charge_refundable: bool,
    livemode: bool,
    metadata: BTreeMap<String, String>,
    payment_intent: Option<String>,
    payment_method_details: Value,
    reason: String,
    status: String,
}

impl Object for Dispute {
    const KIND: &'static str = "dispute";
    const NOUN: &'static str = "dispute";

    fn id(&self) -> &str {
        &self.id
    }
}

/// Opens a dispute over all of a charge that has none yet.
pub(crate) fn open(tx: &Tx<'_>, mut charge: Charge, reason: &DisputeReason) -> Result<Dispute, StripeError> {
    if !charge.captured || charge.disputed || charge.refunded {
        let message = format!(
            "Charge {} cannot be disputed: it is not captured, refunded, or disputed.",
            charge.id
        );
        return Err(StripeError::refused(None, message).with_param("charge"));
    }
    let evidence = EVIDENCE.iter().map(|name| ((*name).to_owned(), Value::Null));
    let mut dispute = Dispute {
        id: id::new("du")?,
        amount: charge.amount_captured,
        balance_transactions: Vec::new(),
        charge: charge.id.clone(),
        created: tx.now.seconds(),
        currency: charge.currency.clone(),
        enhanced_eligibility_types: Vec::new(),
        evidence: evidence.chain([("enhanced_evidence".to_owned(), json!({}))]).collect(),
        evidence_details: json!({
            "due_by": tx.now.seconds() + RESPONSE_SECONDS,
            "enhanced_eligibility": {},
            "has_evidence": false,
            "past_due": false,
            "submission_count": 0,
        }),
        is_charge_refundable: reason.inquiry,
        livemode: false,
        metadata: BTreeMap::new(),
        payment_intent: charge.payment_intent.clone(),
        payment_method_details: json!({
            "card": {
                "brand": charge.payment_method_details["card"]["brand"],
                "case_type": if reason.inquiry { "inquiry" } else { "chargeback" },
                "network_reason_code": reason.network_code,
            },
            "type": "card",
        }),
        reason: reason.name.to_owned(),
        status: if reason.inquiry {
            "warning_needs_response"
        } else {
            "needs_response"
        }
        .to_owned(),
    };
    charge.disputed = true;
    tx.save(&charge)?;
    if reason.inquiry {
        tx.save(&dispute)?;
        event::emit(tx, "charge.dispute.created", &dispute)?;
    } else {
        dispute.book(tx, -dispute.amount, FEE, "dispute")?;
        tx.save(&dispute)?;
        event::emit(tx, "charge.dispute.created", &dispute)?;
        event::emit(tx, "charge.dispute.funds_withdrawn", &dispute)?;
    }
    Ok(dispute)
}

/// Opens the dispute that the test card of a charge stands for.
pub(crate) fn open_scheduled(tx: &Tx<'_>, charge: &str) -> Result<(), StripeError> {
    let charge: Charge = tx.get(charge, "charge")?;
    let method = charge.payment_method.as_deref().unwrap_or_default();
    match payment_method::after_payment(tx, method)? {
        AfterPayment::Dispute(reason) if !charge.disputed => open(tx, charge, reason).map(|_| ()),
        _ => Ok(()),
    }
}

/// Adds evidence and, unless `submit=false`, submits it. The bank decides later, by the text of the evidence
/// (<https://docs.stripe.com/testing#evidence>).
pub(crate) fn update(tx: &Tx<'_>, id: &str, params: &Params) -> Result<Dispute, StripeError> {
    params.reject_unknown(&["evidence", "metadata", "submit"])?;
    let mut dispute: Dispute = tx.get_by_path(id, "dispute")?;
    params.merge_metadata(&mut dispute.metadata)?;
    let submit = params.boolean("submit")?;
    if params.has("evidence") || submit == Some(true) {
        dispute.check_open()?;
        let evidence = params.map("evidence")?.unwrap_or_default();
        evidence.reject_unknown(&EVIDENCE)?;
        for name in EVIDENCE {
            if let Some(text) = evidence.text(name)? {
                dispute.evidence.insert(name.to_owned(), text.into());
                dispute.evidence_details["has_evidence"] = true.into();
            }
        }
        if submit != Some(false) {
            let status = if dispute.is_inquiry() {
                "warning_under_review"
            } else {
                "under_review"
            };
            status.clone_into(&mut dispute.status);
            dispute.evidence_details["submission_count"] = 1.into();
            schedule(tx, EffectKind::DisputeDecision, &dispute.id)?;
        }
    }
    tx.save(&dispute)?;
    event::emit(tx, "charge.dispute.updated", &dispute)?;
    Ok(dispute)
}

/// Closes a dispute for the seller, who accepts it.
pub(crate) fn close(tx: &Tx<'_>, id: &str) -> Result<Dispute, StripeError> {
    let mut dispute: Dispute = tx.get_by_path(id, "dispute")?;
    dispute.check_open()?;
    let status = if dispute.is_inquiry() { "warning_closed" } else { "lost" };
    dispute.end(tx, status)?;
    Ok(dispute)
}

/// Ends a dispute with the bank's decision, without regard to the evidence.
pub(crate) fn decide(tx: &Tx<'_>, id: &str, won: bool) -> Result<Dispute, StripeError> {
    let mut dispute: Dispute = tx.get_by_path(id, "dispute")?;
    dispute.check_undecided()?;
    match (dispute.is_inquiry(), won) {
        (true, _) => dispute.end(tx, "warning_closed")?,
        (false, true) => dispute.win(tx)?,
        (false, false) => dispute.end(tx, "lost")?,
    }
    Ok(dispute)
}

/// Ends a dispute with the decision that its evidence stands for.
pub(crate) fn decide_by_evidence(tx: &Tx<'_>, id: &str) -> Result<(), StripeError> {
    let mut dispute: Dispute = tx.get(id, "dispute")?;
    let evidence = dispute.evidence["uncategorized_text"].as_str().map(str::to_owned);
    match (dispute.status.as_str(), evidence.as_deref()) {
        ("under_review", Some("winning_evidence")) => dispute.win(tx),
        ("under_review", _) => dispute.end(tx, "lost"),
        ("warning_under_review", Some("escalate_inquiry_evidence")) => dispute.escalate(tx),
        ("warning_under_review", _) => dispute.end(tx, "warning_closed"),
        // A test or the seller has ended it in the meantime.
        _ => Ok(()),
    }
}

/// Closes the open inquiries about a charge that was refunded in full.
pub(crate) fn close_inquiries(tx: &Tx<'_>, charge: &str) -> Result<(), StripeError> {
    let of_charge = tx
        .all::<Dispute>()?
        .into_iter()
        .filter(|dispute| dispute.charge == charge);
    for mut dispute in of_charge {
        if dispute.is_inquiry() && dispute.check_undecided().is_ok() {
            dispute.end(tx, "warning_closed")?;
        }
    }
    Ok(())
}

/// Whether a dispute of the charge forbids a refund, because the bank has the money.
pub(crate) fn blocks_refund(tx: &Tx<'_>, charge: &str) -> Result<bool, StripeError> {
    let mut disputes = tx.all::<Dispute>()?.into_iter();
    Ok(disputes.any(|dispute| dispute.charge == charge && !dispute.is_charge_refundable))
}

impl Dispute {
    fn is_inquiry(&self) -> bool {
        self.status.starts_with("warning_")
    }

    /// Fails unless the seller can still respond.
    fn check_open(&self) -> Result<(), StripeError> {
        if matches!(self.status.as_str(), "needs_response" | "warning_needs_response") {
            return Ok(());
        }
        let message = "This dispute is already closed or its evidence has been submitted.";
        Err(StripeError::refused(None, message.to_owned()))
    }

    /// Fails unless the bank can still decide.
    fn check_undecided(&self) -> Result<(), StripeError> {
        if matches!(self.status.as_str(), "won" | "lost" | "warning_closed") {
            return Err(StripeError::refused(None, "This dispute is already closed.".to_owned()));
        }
        Ok(())
    }

    /// Books a movement of money that the dispute causes.
    fn book(&mut self, tx: &Tx<'_>, amount: i64, fee: i64, category: &str) -> Result<(), StripeError> {
        let booking = balance_transaction::book_dispute(tx, &self.id, amount, fee, &self.currency, category)?;
        self.balance_transactions.push(booking);
        Ok(())
    }

    /// Turns the inquiry into a chargeback: the bank withdraws the money.
    fn escalate(&mut self, tx: &Tx<'_>) -> Result<(), StripeError> {
        "needs_response".clone_into(&mut self.status);
        self.payment_method_details["card"]["case_type"] = "chargeback".into();
        self.is_charge_refundable = false;
        self.book(tx, -self.amount, FEE, "dispute")?;
        tx.save(self)?;
        event::emit(tx, "charge.dispute.updated", self)?;
        event::emit(tx, "charge.dispute.funds_withdrawn", self)
    }

    /// Returns the money to the seller. Stripe keeps its fee.
    fn win(&mut self, tx: &Tx<'_>) -> Result<(), StripeError> {
        self.book(tx, self.amount, 0, "dispute_reversal")?;
        self.end(tx, "won")?;
        event::emit(tx, "charge.dispute.funds_reinstated", self)
    }

    fn end(&mut self, tx: &Tx<'_>, status: &str) -> Result<(), StripeError> {
        status.clone_into(&mut self.status);
        self.is_charge_refundable = status == "won" || status == "warning_closed";
        tx.save(self)?;
        event::emit(tx, "charge.dispute.closed", self)
    }
}
