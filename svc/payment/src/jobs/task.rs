//! What the settler has to do next about a payment.

use rusqlite::Connection;
use values::{PaymentId, Timestamp};

use crate::{
    domain::{Payment, Refund, RefundCall, StripeCall},
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

/// Returns the payments that have a task due.
pub(crate) fn payments_with_tasks(conn: &Connection, now: Timestamp, limit: u32) -> Result<Vec<PaymentId>, db::Error> {
    let mut payments = store::payments_due(conn, now, limit)?;
    payments.extend(store::follow_ups_due(conn, now, limit)?);
    Ok(payments)
}

/// Returns the next task of a payment. Refunds come before the check of captured funds.
pub(crate) fn next_task(conn: &Connection, id: PaymentId, now: Timestamp) -> Result<Option<Task>, db::Error> {
    let Some(payment) = store::payment(conn, id)? else {
        return Ok(None);
    };
    if let Some(call) = payment.next_call(now) {
        return Ok(Some(Task::Call(payment, call)));
    }
    let Some(funds) = store::captured_funds(conn, id)? else {
        return Ok(None);
    };
    if let Some(refund) = store::refund_due(conn, id, now)?
        && let Some(call) = refund.next_call(now)
    {
        return Ok(Some(Task::Refund(payment, refund, call)));
    }
    if !funds.is_check_due(now) {
        return Ok(None);
    }
    let has_reversals = !store::refunds_of(conn, id)?.is_empty() || !store::disputes_of(conn, id)?.is_empty();
    Ok(Some(Task::FollowUp(payment, has_reversals)))
}
