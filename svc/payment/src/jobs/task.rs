//! What the settler has to do next about a payment.

use rusqlite::Connection;
use values::{PaymentId, Timestamp};

use crate::{
    domain::{Payment, PaymentStatus, Refund, RefundCall, StripeCall},
    store,
};

/// A call to Stripe that is due.
#[derive(Debug)]
pub(crate) enum Task {
    /// The call that the payment's status requires.
    Call(Payment, StripeCall),
    /// A refund of the payment.
    Refund(Payment, Refund, RefundCall),
    /// A check of the payment's captured funds. Holds whether a refund or a dispute is known.
    FollowUp(Payment, bool),
}

/// The payments that have a task due.
#[derive(Debug, Default)]
pub(crate) struct DuePayments {
    /// Money has to move, or a reserved amount to be released.
    pub(crate) movements: Vec<PaymentId>,
    /// The intent of a payment, whose id is unknown, has to be looked for.
    pub(crate) look_ups: Vec<PaymentId>,
    /// The state of a payment that is not decided has to be read.
    pub(crate) checks: Vec<PaymentId>,
    /// The state of captured funds has to be read.
    pub(crate) follow_ups: Vec<PaymentId>,
}

/// Returns the payments that have a task due. However many of one kind are due, they do not displace the others.
pub(crate) fn payments_with_tasks(conn: &Connection, now: Timestamp, limit: u32) -> Result<DuePayments, db::Error> {
    let mut movements = store::movements_due(conn, now, limit)?;
    movements.extend(store::refunds_due(conn, now, limit)?);
    Ok(DuePayments {
        movements,
        look_ups: store::look_ups_due(conn, now, limit)?,
        checks: store::checks_due(conn, now, limit)?,
        follow_ups: store::follow_ups_due(conn, now, limit)?,
    })
}

impl Task {
    /// The payment that it belongs to.
    pub(crate) const fn payment_id(&self) -> PaymentId {
        match self {
            Self::Call(payment, _) | Self::Refund(payment, ..) | Self::FollowUp(payment, _) => payment.id(),
        }
    }

    /// Whether it only reads Stripe's state.
    pub(crate) const fn is_check(&self) -> bool {
        match self {
            Self::Call(_, call) => matches!(call, StripeCall::FindIntent | StripeCall::RetrieveIntent),
            Self::Refund(..) => false,
            Self::FollowUp(..) => true,
        }
    }

    /// Whether it looks for an intent whose id is unknown, which can take many requests.
    pub(crate) fn is_look_up(&self) -> bool {
        matches!(self, Self::Call(payment, StripeCall::FindIntent) if payment.intent_id().is_none())
    }

    /// Whether it failed before and its next attempt is not due.
    pub(crate) fn waits_for_its_turn(&self, now: Timestamp) -> bool {
        match self {
            Self::Call(payment, _) => {
                let retry = payment.state().retry;
                retry.failed_attempts() > 0 && !retry.is_due(now)
            }
            // They are due.
            Self::Refund(..) | Self::FollowUp(..) => false,
        }
    }
}

/// Returns the next task of a payment. Refunds come before the check of captured funds.
pub(crate) fn next_task(conn: &Connection, id: PaymentId, now: Timestamp) -> Result<Option<Task>, db::Error> {
    match store::payment(conn, id)? {
        Some(payment) => next_task_of(conn, &payment, now),
        None => Ok(None),
    }
}

/// The same for a payment that has been read.
pub(crate) fn next_task_of(conn: &Connection, payment: &Payment, now: Timestamp) -> Result<Option<Task>, db::Error> {
    if let Some(call) = payment.next_call(now) {
        return Ok(Some(Task::Call(payment.clone(), call)));
    }
    // Others have no captured funds.
    if payment.status() != PaymentStatus::Captured {
        return Ok(None);
    }
    let id = payment.id();
    let Some(funds) = store::captured_funds(conn, id)? else {
        return Ok(None);
    };
    if let Some(refund) = store::refund_due(conn, id, now)?
        && let Some(call) = refund.next_call(now)
    {
        return Ok(Some(Task::Refund(payment.clone(), refund, call)));
    }
    if !funds.is_check_due(now) {
        return Ok(None);
    }
    let has_reversals = !store::refunds_of(conn, id)?.is_empty() || !store::disputes_of(conn, id)?.is_empty();
    Ok(Some(Task::FollowUp(payment.clone(), has_reversals)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chassis::Service;
    use db::{Db, Tx};
    use events::examples;

    use super::*;
    use crate::{
        Payments,
        domain::{PayableOrder, PaymentState, Retry},
        test_support::{NOW, card, usd},
        use_cases::update_order,
    };

    /// Stores a payment of a new order, due since `overdue`.
    fn insert(
        tx: &Tx,
        status: PaymentStatus,
        overdue: Duration,
        notified_at: Option<Timestamp>,
    ) -> Result<PaymentId, db::Error> {
        let order = examples::order(NOW);
        update_order(tx, NOW, &PayableOrder::from(&order))?;
        let payment = Payment::start(order.id, order.buyer_id, usd(1999), card(), NOW);
        let payment = Payment::from_state(PaymentState {
            status,
            intent_id: Some(format!("pi_{}", payment.id())),
            retry: Retry::at(NOW - overdue),
            notified_at,
            ..payment.state().clone()
        });
        store::insert_payment(tx, &payment, None)?;
        Ok(payment.id())
    }

    #[tokio::test]
    async fn a_look_up_delays_neither_a_movement_nor_a_check() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&folder.path().join("payment.db"), &Payments::SCHEMA).unwrap();
        db.write(|tx| {
            let key_use = Duration::from_hours(23);
            let named = insert(tx, PaymentStatus::Started, Duration::ZERO, None)?;
            let unnamed = insert(tx, PaymentStatus::Started, Duration::ZERO, None)?;
            let payment = store::payment(tx, unnamed)?.unwrap();
            let payment = Payment::from_state(PaymentState {
                intent_id: None,
                ..payment.state().clone()
            });
            store::update_payment(tx, &payment)?;
            for (now, movements, look_ups) in [
                (NOW, vec![unnamed], vec![]),
                (NOW + key_use - Duration::from_millis(1), vec![unnamed], vec![]),
                (NOW + key_use, vec![], vec![unnamed]),
            ] {
                let due = payments_with_tasks(tx, now, 64)?;
                // An event has named the intent, so that one request reads it.
                assert_eq!(
                    (&due.movements, &due.look_ups, &due.checks),
                    (&movements, &look_ups, &vec![named])
                );
                let task = |id| Ok::<_, db::Error>(next_task(tx, id, now)?.unwrap());
                assert!(task(named)?.is_check() && !task(named)?.is_look_up());
                assert_eq!(task(unnamed)?.is_look_up(), !look_ups.is_empty());
                assert_eq!(task(unnamed)?.is_check(), !look_ups.is_empty());
            }
            Ok::<_, db::Error>(())
        })
        .await
        .unwrap();
    }

    #[tokio::test]
    async fn any_number_of_polls_delays_neither_a_capture_nor_what_stripe_has_reported() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&folder.path().join("payment.db"), &Payments::SCHEMA).unwrap();
        let (capturing, reported, due) = db
            .write(|tx| {
                for _ in 0..100 {
                    insert(tx, PaymentStatus::RequiresAction, Duration::from_mins(1), None)?;
                }
                let capturing = insert(tx, PaymentStatus::Capturing, Duration::ZERO, None)?;
                let reported = [
                    insert(tx, PaymentStatus::RequiresAction, Duration::from_secs(1), Some(NOW))?,
                    insert(tx, PaymentStatus::Started, Duration::ZERO, None)?,
                ];
                Ok::<_, db::Error>((capturing, reported, payments_with_tasks(tx, NOW, 64)?))
            })
            .await
            .unwrap();
        assert_eq!((due.movements, due.checks.len()), (vec![capturing], 66));
        assert_eq!(due.checks[..2], reported);
    }
}
