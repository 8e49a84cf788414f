//! Restores payments that Stripe has a record of and a restored database lacks.
//!
//! An intent names its payment, its order and its buyer: enough for a payment in progress. The worker then calls Stripe and
//! applies the order's decision as for any other payment: an authorisation confirms the order that waits for it, a capture
//! completes the order confirmed with it, and any other authorisation is voided.

use audit::Author;
use std::str::FromStr;

use db::Tx;
use values::{Currency, Money, Timestamp};

use crate::{
    domain::{CaptureDecision, DueWork, Intent, IntentStatus, Payment},
    store,
};

/// The outcome of restoring a payment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum RestoreOutcome {
    /// The payment is restored.
    Restored,
    /// The payment was not missing.
    NotMissing,
    /// Something has to happen first.
    NotYet(String),
    /// The intent lacks the necessary data.
    Impossible(String),
}

/// Restores the payment of an intent, if it is missing, and records its author.
pub(crate) fn restore_payment(
    tx: &Tx,
    now: Timestamp,
    intent: &Intent,
    author: &Author,
) -> Result<RestoreOutcome, db::Error> {
    let ids = (
        parse(intent.payment_id.as_ref()),
        parse(intent.order_id.as_ref()),
        parse(intent.buyer_id.as_ref()),
    );
    let (Some(id), Some(order_id), Some(buyer_id)) = ids else {
        return Ok(RestoreOutcome::Impossible(
            "it does not name payment, order and buyer".to_owned(),
        ));
    };
    let Ok(currency) = intent.currency.parse::<Currency>() else {
        return Ok(RestoreOutcome::Impossible(format!(
            "its currency {} is unknown",
            intent.currency
        )));
    };
    if let Some(known) = store::payment(tx, id)? {
        return Ok(match known.intent_id() {
            Some(other) if other != intent.id => {
                RestoreOutcome::Impossible(format!("its payment has the intent {other}"))
            }
            _ => RestoreOutcome::NotMissing,
        });
    }
    let Some(order) = store::order(tx, order_id)? else {
        return Ok(RestoreOutcome::NotYet(format!("the order {order_id} is unknown")));
    };
    let ids = (id, order_id, buyer_id);
    let amount = Money {
        amount: intent.amount,
        currency,
    };
    let mut payment = Payment::from_intent(ids, amount, intent, now);
    if let Some(mut live) = store::live_payment(tx, order_id)? {
        let decision = order.capture_decision(id);
        let is_undecided = decision == CaptureDecision::Wait && intent.status == IntentStatus::Succeeded;
        match decision {
            CaptureDecision::Capture if live.waits_for_buyer() => {
                live.supersede(now);
                store::update_payment(tx, &live)?;
                tx.hand_over(DueWork::movement(live.id()), DueWork::BYTES);
            }
            CaptureDecision::Wait | CaptureDecision::Void if !is_undecided => {
                payment = Payment::superseded_from_intent(ids, amount, intent, now);
            }
            _ => {
                return Ok(RestoreOutcome::NotYet(format!(
                    "the payment {} is under way",
                    live.id()
                )));
            }
        }
    }
    store::insert_payment(tx, &payment, None)?;
    audit::append(tx, now, &author.did("payment-restore", &id))?;
    tx.hand_over(DueWork::of_intent(&payment), DueWork::BYTES);
    Ok(RestoreOutcome::Restored)
}

fn parse<T: FromStr>(text: Option<&String>) -> Option<T> {
    text?.parse().ok()
}
