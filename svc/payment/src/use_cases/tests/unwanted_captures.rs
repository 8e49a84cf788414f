//! Money that Stripe holds for a payment that has ended.

use audit::Author;
use chassis::Service;
use db::{Db, Tx};
use events::examples;
use serde_json::json;
use values::{PaymentId, Timestamp};

use super::start_payment;
use crate::{
    Payments,
    domain::{
        BasisPoints, CardAttempts, CardLimits, ChargedFunds, DueWork, EventOutcome, Failure, Intent, IntentStatus,
        Payment, PaymentState, PaymentStatus, StripeCall, StripeResult,
    },
    store,
    test_support::{NOW, intent},
    use_cases::{record_stripe_event, record_stripe_result, request_release},
};

const LATER: Timestamp = Timestamp::from_millis(1_800_000_060_000);

fn read(tx: &Tx, id: PaymentId) -> Result<Payment, db::Error> {
    Ok(store::payment(tx, id)?.unwrap())
}

/// Stores a payment that has failed.
fn failed(tx: &Tx) -> Result<Payment, db::Error> {
    let attempts = CardAttempts::new(CardLimits::UNLIMITED);
    let payment = start_payment(tx, &examples::order(NOW), Vec::new(), &attempts).unwrap();
    let declined = StripeResult::Refused(Failure::generic_decline());
    record(tx, &payment, StripeCall::Authorize, declined)?;
    read(tx, payment.id())
}

fn record(tx: &Tx, payment: &Payment, call: StripeCall, result: StripeResult) -> Result<(), db::Error> {
    let rules = (BasisPoints::default(), CardLimits::UNLIMITED);
    record_stripe_result(tx, LATER, rules, payment, (call, LATER), result).map(|_| ())
}

/// Reads the intent of a payment, which was captured, and `is_refunded` or not; returns whether an operator is needed.
fn check(tx: &Tx, id: PaymentId, is_refunded: bool) -> Result<bool, db::Error> {
    let payment = read(tx, id)?;
    assert_eq!(payment.next_call(LATER), Some(StripeCall::RetrieveIntent));
    let funds = ChargedFunds {
        fee: None,
        refunded: 1999,
        is_refunded,
        is_disputed: false,
    };
    let captured = Intent {
        funds: Some(funds),
        ..intent(&payment, IntentStatus::Succeeded)
    };
    record(tx, &payment, StripeCall::RetrieveIntent, captured.into())?;
    let payment = read(tx, id)?;
    assert_eq!(payment.status(), PaymentStatus::Failed);
    Ok(payment.trouble().is_some())
}

/// Clears the entry of a payment that needs an operator.
fn clear_trouble(tx: &Tx, id: PaymentId) -> Result<(), db::Error> {
    let state = PaymentState {
        trouble: None,
        ..read(tx, id)?.state().clone()
    };
    store::update_payment(tx, &Payment::from_state(state))
}

fn release(tx: &Tx, payment: &Payment) -> Result<(), db::Error> {
    let captured = intent(payment, IntentStatus::Succeeded);
    let subject = (captured.id.as_str(), captured.status);
    request_release(tx, NOW, payment.id(), subject, &Author::operator())
}

fn database() -> (tempfile::TempDir, Db) {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&folder.path().join("payment.db"), &Payments::SCHEMA).unwrap();
    (folder, db)
}

#[tokio::test]
async fn an_unwanted_capture_is_reported_again_until_it_is_refunded() {
    let (_folder, db) = database();
    db.write(|tx| {
        let payment = failed(tx)?;
        let id = payment.id();
        release(tx, &payment)?;
        for _ in 0..2 {
            assert!(check(tx, id, false)?);
            clear_trouble(tx, id)?;
        }
        assert!(!check(tx, id, true)?);
        assert_eq!(read(tx, id)?.next_call(LATER), None);
        Ok::<_, db::Error>(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_refund_of_an_unwanted_capture_that_fails_later_is_reported() {
    let (_folder, db) = database();
    let due = db.committed_values::<DueWork>();
    let id = db.write(|tx| {
        let payment = failed(tx)?;
        release(tx, &payment)?;
        assert!(!check(tx, payment.id(), true)?);
        Ok::<_, db::Error>(payment.id())
    });
    let id = id.await.unwrap();
    // The first one also follows each void.
    for (kind, status, outcome) in [
        ("charge.refunded", "succeeded", EventOutcome::Confirmed),
        ("refund.updated", "canceled", EventOutcome::CheckRequested),
        ("refund.failed", "failed", EventOutcome::CheckRequested),
    ] {
        let is_due = outcome == EventOutcome::CheckRequested;
        db.write(move |tx| {
            let event = json!({
                "id": format!("evt_{kind}"), "type": kind,
                "data": {"object": {"id": "re_1", "payment_intent": format!("pi_{id}"), "status": status}},
            });
            let recorded = record_stripe_event(tx, NOW, &serde_json::from_value(event).unwrap())?;
            assert_eq!(recorded, outcome, "{kind}");
            if is_due {
                assert!(check(tx, id, false)?);
                clear_trouble(tx, id)?;
                assert!(!check(tx, id, true)?);
            }
            Ok::<_, db::Error>(())
        })
        .await
        .unwrap();
        assert_eq!(due.take(9).len(), usize::from(is_due), "{kind}");
    }
}

#[tokio::test]
async fn a_repeated_request_for_a_release_is_recorded_once() {
    let (_folder, db) = database();
    let entries = db.write(|tx| {
        let payment = failed(tx)?;
        release(tx, &payment)?;
        release(tx, &payment)?;
        let sql = "SELECT count(*) FROM audit WHERE action = 'payment-check'";
        Ok::<u32, db::Error>(tx.query_row(sql, [], |row| row.get(0))?)
    });
    assert_eq!(entries.await.unwrap(), 1);
}
