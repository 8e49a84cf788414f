//! `/v1/disputes` (<https://docs.stripe.com/api/disputes>): a buyer's bank takes a payment back, or asks about it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    balance::{self, BalanceTransaction},
    cards::{Afterwards, Complaint},
    charges::Charge,
    error::StripeError,
    events,
    form::Params,
    id, later, methods,
    routes::Answer,
    store::{Object, Tx},
};

mod evidence;

use evidence::EVIDENCE;

/// How long a seller has to answer.
const ANSWER_WITHIN: i64 = 9 * 24 * 60 * 60;

/// What Stripe takes for a dispute, in minor units: $15.
const FEE: i64 = 1500;

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

pub(crate) fn retrieve(tx: &Tx<'_>, id: &str) -> Result<Answer, StripeError> {
    Answer::ok(&tx.get_by_path::<Dispute>(id, "dispute")?)
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
    Answer::ok(&tx.list::<Dispute>("/v1/disputes", params, &["charge", "payment_intent"])?)
}

/// Takes evidence and, unless `submit=false`, hands it in: the bank decides later, as the evidence tells it to
/// (<https://docs.stripe.com/testing#evidence>).
pub(crate) fn update(tx: &Tx<'_>, id: &str, params: &Params) -> Result<Answer, StripeError> {
    params.only(&["evidence", "metadata", "submit"])?;
    let mut dispute: Dispute = tx.get_by_path(id, "dispute")?;
    params.merge_metadata(&mut dispute.metadata)?;
    let submit = params.boolean("submit")?;
    if params.has("evidence") || submit == Some(true) {
        dispute.check_open()?;
        let evidence = params.map("evidence")?.unwrap_or_default();
        evidence.only(&EVIDENCE)?;
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
            later::plan(tx, "verdict", &dispute.id)?;
        }
    }
    tx.save(&dispute)?;
    events::emit(tx, "charge.dispute.updated", &dispute)?;
    Answer::ok(&dispute)
}

/// The seller accepts the dispute: it is lost.
pub(crate) fn close(tx: &Tx<'_>, id: &str, params: &Params) -> Result<Answer, StripeError> {
    params.only(&[])?;
    let mut dispute: Dispute = tx.get_by_path(id, "dispute")?;
    dispute.check_open()?;
    let status = if dispute.is_inquiry() { "warning_closed" } else { "lost" };
    dispute.end(tx, status)?;
    Answer::ok(&dispute)
}

/// The bank decides, whatever the evidence says.
pub(crate) fn decide(tx: &Tx<'_>, id: &str, won: bool) -> Result<Answer, StripeError> {
    let mut dispute: Dispute = tx.get_by_path(id, "dispute")?;
    dispute.check_undecided()?;
    match (dispute.is_inquiry(), won) {
        (true, _) => dispute.end(tx, "warning_closed")?,
        (false, true) => dispute.win(tx)?,
        (false, false) => dispute.end(tx, "lost")?,
    }
    Answer::ok(&dispute)
}

/// A refund has given back all of a charge: who only asked about it has got an answer.
pub(crate) fn refunded(tx: &Tx<'_>, charge: &str) -> Result<(), StripeError> {
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

/// Whether a charge's money is with the bank, so that it cannot be refunded.
pub(crate) fn holds(tx: &Tx<'_>, charge: &str) -> Result<bool, StripeError> {
    let mut disputes = tx.all::<Dispute>()?.into_iter();
    Ok(disputes.any(|dispute| dispute.charge == charge && !dispute.is_charge_refundable))
}

/// The dispute that the card of a charge stands for, now that its time has come.
pub(crate) fn planned(tx: &Tx<'_>, charge: &str) -> Result<(), StripeError> {
    let charge: Charge = tx.get(charge, "charge")?;
    let method = charge.payment_method.as_deref().unwrap_or_default();
    match methods::afterwards(tx, method)? {
        Afterwards::Dispute(complaint) if !charge.disputed => open(tx, charge, complaint).map(|_| ()),
        _ => Ok(()),
    }
}

/// Opens a dispute over all of a charge that is not disputed yet.
pub(crate) fn open(tx: &Tx<'_>, mut charge: Charge, complaint: &Complaint) -> Result<Answer, StripeError> {
    if !charge.captured || charge.disputed || charge.refunded {
        let message = format!(
            "Charge {} cannot be disputed: it is not captured, refunded, or disputed.",
            charge.id
        );
        return Err(StripeError::refused(None, message).about("charge"));
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
            "due_by": tx.now.seconds() + ANSWER_WITHIN,
            "enhanced_eligibility": {},
            "has_evidence": false,
            "past_due": false,
            "submission_count": 0,
        }),
        is_charge_refundable: complaint.inquiry,
        livemode: false,
        metadata: BTreeMap::new(),
        payment_intent: charge.payment_intent.clone(),
        payment_method_details: json!({
            "card": {
                "brand": charge.payment_method_details["card"]["brand"],
                "case_type": if complaint.inquiry { "inquiry" } else { "chargeback" },
                "network_reason_code": complaint.network_code,
            },
            "type": "card",
        }),
        reason: complaint.reason.to_owned(),
        status: if complaint.inquiry {
            "warning_needs_response"
        } else {
            "needs_response"
        }
        .to_owned(),
    };
    charge.disputed = true;
    tx.save(&charge)?;
    if complaint.inquiry {
        tx.save(&dispute)?;
        events::emit(tx, "charge.dispute.created", &dispute)?;
    } else {
        dispute.book(tx, -dispute.amount, FEE, "dispute")?;
        tx.save(&dispute)?;
        events::emit(tx, "charge.dispute.created", &dispute)?;
        events::emit(tx, "charge.dispute.funds_withdrawn", &dispute)?;
    }
    Answer::ok(&dispute)
}

/// What the bank makes of the evidence, now that its time has come.
pub(crate) fn verdict(tx: &Tx<'_>, id: &str) -> Result<(), StripeError> {
    let mut dispute: Dispute = tx.get(id, "dispute")?;
    let evidence = dispute.evidence["uncategorized_text"].as_str().map(str::to_owned);
    match (dispute.status.as_str(), evidence.as_deref()) {
        ("under_review", Some("winning_evidence")) => dispute.win(tx),
        ("under_review", _) => dispute.end(tx, "lost"),
        ("warning_under_review", Some("escalate_inquiry_evidence")) => dispute.escalate(tx),
        ("warning_under_review", _) => dispute.end(tx, "warning_closed"),
        // It was decided in another way meanwhile.
        _ => Ok(()),
    }
}

impl Dispute {
    fn is_inquiry(&self) -> bool {
        self.status.starts_with("warning_")
    }

    /// Whether the seller may still answer.
    fn check_open(&self) -> Result<(), StripeError> {
        if matches!(self.status.as_str(), "needs_response" | "warning_needs_response") {
            return Ok(());
        }
        let message = "This dispute is already closed or its evidence has been submitted.";
        Err(StripeError::refused(None, message.to_owned()))
    }

    /// Whether the bank may still decide.
    fn check_undecided(&self) -> Result<(), StripeError> {
        if matches!(self.status.as_str(), "won" | "lost" | "warning_closed") {
            return Err(StripeError::refused(None, "This dispute is already closed.".to_owned()));
        }
        Ok(())
    }

    /// Moves money because of the dispute.
    fn book(&mut self, tx: &Tx<'_>, amount: i64, fee: i64, category: &str) -> Result<(), StripeError> {
        let booking = balance::book_dispute(tx, &self.id, amount, fee, &self.currency, category)?;
        self.balance_transactions.push(booking);
        Ok(())
    }

    /// The inquiry has become a chargeback: the bank takes the money.
    fn escalate(&mut self, tx: &Tx<'_>) -> Result<(), StripeError> {
        "needs_response".clone_into(&mut self.status);
        self.payment_method_details["card"]["case_type"] = "chargeback".into();
        self.is_charge_refundable = false;
        self.book(tx, -self.amount, FEE, "dispute")?;
        tx.save(self)?;
        events::emit(tx, "charge.dispute.updated", self)?;
        events::emit(tx, "charge.dispute.funds_withdrawn", self)
    }

    /// The money comes back. Stripe keeps its fee.
    fn win(&mut self, tx: &Tx<'_>) -> Result<(), StripeError> {
        self.book(tx, self.amount, 0, "dispute_reversal")?;
        self.end(tx, "won")?;
        events::emit(tx, "charge.dispute.funds_reinstated", self)
    }

    fn end(&mut self, tx: &Tx<'_>, status: &str) -> Result<(), StripeError> {
        status.clone_into(&mut self.status);
        self.is_charge_refundable = status == "won" || status == "warning_closed";
        tx.save(self)?;
        events::emit(tx, "charge.dispute.closed", self)
    }
}
