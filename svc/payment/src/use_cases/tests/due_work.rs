//! Commands name the payments that they make due, so that the settler need not search for them.

use chassis::Service;
use db::Db;
use events::{CancelReason, OrderStatus, examples};
use serde_json::json;
use values::PaymentId;

use super::start_payment;
use crate::{
    Payments,
    domain::{
        BasisPoints, CardAttempts, CardLimits, DueWork, Intent, IntentStatus, PayableOrder, Payment, StripeCall,
        WorkKind,
    },
    store,
    test_support::{NOW, approved, intent},
    use_cases::{record_stripe_event, record_stripe_result, request_refund, update_order},
};

const LIMITS: CardLimits = CardLimits::UNLIMITED;

/// Stores an order and its payment, with these results of Stripe.
async fn payment_with(db: &Db, results: &'static [(StripeCall, IntentStatus)]) -> (events::Order, Payment) {
    db.write(move |tx| {
        let order = examples::order(NOW);
        let payment = start_payment(tx, &order, Vec::new(), &CardAttempts::new(LIMITS)).unwrap();
        for (call, status) in results {
            let rules = (BasisPoints::default(), LIMITS);
            let response = Intent::into(intent(&payment, *status));
            record_stripe_result(tx, NOW, rules, &payment, (*call, NOW), response)?;
        }
        Ok::<_, db::Error>((order, payment))
    })
    .await
    .unwrap()
}

fn movement(payment_id: PaymentId) -> DueWork {
    DueWork::movement(payment_id)
}

#[tokio::test]
async fn each_command_names_the_payment_that_it_makes_due_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&folder.path().join("payment.db"), &Payments::SCHEMA).unwrap();
    let due = db.committed_values::<DueWork>();
    let authorized = &[(StripeCall::Authorize, IntentStatus::RequiresCapture)];

    // A confirmed order has its payment captured, one that ended has it voided.
    for (status, reason) in [
        (OrderStatus::AwaitingPayment, None),
        (OrderStatus::Cancelled, Some(CancelReason::User)),
    ] {
        let (mut order, payment) = payment_with(&db, authorized).await;
        assert_eq!(due.take(9), [], "the request that starts a payment settles it");
        order.version += 1;
        order.status = status;
        order.cancel_reason = reason;
        order.payment_id = Some(payment.id()).filter(|_| reason.is_none());
        let replica = PayableOrder::from(&order);
        for named in [vec![movement(payment.id())], vec![]] {
            let replica = replica.clone();
            db.write(move |tx| update_order(tx, NOW, &replica)).await.unwrap();
            assert_eq!(due.take(9), named, "{status:?}: once, though the event repeats");
        }
    }

    // A refund moves money, an event of Stripe about captured money is a reason to check it.
    let (mut order, payment) = payment_with(&db, authorized).await;
    let id = payment.id();
    order.version += 1;
    order.status = OrderStatus::AwaitingPayment;
    order.payment_id = Some(id);
    let replica = PayableOrder::from(&order);
    let refund = approved(&order, 100);
    db.write(move |tx| {
        update_order(tx, NOW, &replica)?;
        let payment = store::payment(tx, id)?.unwrap();
        let rules = (BasisPoints::default(), LIMITS);
        let response = Intent::into(intent(&payment, IntentStatus::Succeeded));
        record_stripe_result(tx, NOW, rules, &payment, (StripeCall::Capture, NOW), response)?;
        request_refund(tx, NOW, &refund)?;
        let event = json!({
            "id": "evt_1", "type": "charge.refunded",
            "data": {"object": {"id": "ch_1", "payment_intent": format!("pi_{id}")}},
        });
        record_stripe_event(tx, NOW, &serde_json::from_value(event).unwrap())?;
        Ok::<_, db::Error>(())
    })
    .await
    .unwrap();
    let follow_up = DueWork {
        payment_id: id,
        kind: WorkKind::FollowUp,
    };
    assert_eq!(due.take(9), [movement(id), movement(id), follow_up]);
}
