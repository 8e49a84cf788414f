//! The response to a capture has Stripe's fee: the captured funds are checked only where more may have happened.

use chassis::Service;
use db::{Db, Tx};
use events::{OrderStatus, examples};
use serde_json::json;
use values::Timestamp;

use super::start_payment;
use crate::{
    Payments,
    domain::{
        BasisPoints, CardAttempts, CardLimits, ChargedFunds, Intent, IntentStatus, PayableOrder, Retry, StripeCall,
        StripeFee,
    },
    store,
    test_support::{NOW, intent},
    use_cases::{record_stripe_event, record_stripe_result, update_order},
};

fn funds(refunded: i64, is_disputed: bool) -> ChargedFunds {
    ChargedFunds {
        fee: Some(StripeFee {
            amount: 88,
            currency: "usd".to_owned(),
        }),
        refunded,
        is_refunded: false,
        is_disputed,
    }
}

/// Captures a payment; the response has these funds, and an event about refunded money arrives before it or not. Returns
/// the stored fee, and when the captured funds are checked.
fn capture(
    tx: &Tx,
    funds: Option<ChargedFunds>,
    has_event: bool,
) -> Result<(Option<i64>, Option<Timestamp>), db::Error> {
    let mut order = examples::order(NOW);
    let limits = CardLimits::UNLIMITED;
    let payment = start_payment(tx, &order, Vec::new(), &CardAttempts::new(limits)).unwrap();
    let rules = (BasisPoints::default(), limits);
    let response = intent(&payment, IntentStatus::RequiresCapture);
    let call = (StripeCall::Authorize, NOW);
    record_stripe_result(tx, NOW, rules, &payment, call, response.into())?;
    order.version += 1;
    order.status = OrderStatus::AwaitingPayment;
    order.payment_id = Some(payment.id());
    update_order(tx, NOW, &PayableOrder::from(&order))?;
    if has_event {
        let event = json!({
            "id": format!("evt_{}", payment.id()), "type": "charge.refunded",
            "data": {"object": {"id": "ch_1", "payment_intent": format!("pi_{}", payment.id())}},
        });
        record_stripe_event(tx, NOW, &serde_json::from_value(event).unwrap())?;
    }
    let response = Intent {
        funds,
        ..intent(&payment, IntentStatus::Succeeded)
    };
    let call = (StripeCall::Capture, NOW + std::time::Duration::from_secs(1));
    record_stripe_result(tx, NOW, rules, &payment, call, response.into())?;
    let captured = store::captured_funds(tx, payment.id())?.unwrap();
    let state = captured.state();
    Ok((
        state.stripe_fee.as_ref().map(|fee| fee.amount),
        state.next_check.map(Retry::next_at),
    ))
}

#[tokio::test]
async fn captured_funds_are_checked_unless_the_response_to_the_capture_shows_all() {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&folder.path().join("payment.db"), &Payments::SCHEMA).unwrap();
    db.write(|tx| {
        assert_eq!(capture(tx, Some(funds(0, false)), false)?, (Some(88), None));
        for (funds, has_event) in [
            (None, false),
            (
                Some(ChargedFunds {
                    fee: None,
                    ..funds(0, false)
                }),
                false,
            ),
            (Some(funds(1, false)), false),
            (Some(funds(0, true)), false),
            // The response may be older: that of an earlier request with the same key.
            (Some(funds(0, false)), true),
        ] {
            let case = format!("{funds:?} {has_event}");
            assert_eq!(capture(tx, funds, has_event)?, (None, Some(NOW)), "{case}");
        }
        Ok::<_, db::Error>(())
    })
    .await
    .unwrap();
}
