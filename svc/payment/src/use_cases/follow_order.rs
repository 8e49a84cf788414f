//! Takes an order's newest state, and does with its payment as that says.

use db::Tx;
use events::OrderStatus;
use values::{PaymentId, Timestamp};

use super::book::book;
use crate::{
    domain::{Bill, Payment, Status, Why},
    events::{announce, announce_again},
    store,
};

/// Takes the order's newest state, and does with its payment as that says. Stripe is asked once this is committed.
pub(crate) fn adopt(tx: &Tx, now: Timestamp, bill: &Bill) -> Result<(), db::Error> {
    let seller_is_new = store::learn_seller(tx, bill)?;
    let adopted = store::adopt(tx, bill)?;
    if let Some(payment) = bill.payment_id.filter(|_| adopted || seller_is_new) {
        book(tx, now, payment, &Why::Completed)?;
    }
    if !adopted {
        return Ok(());
    }
    if let Some(payment) = bill.payment_id.filter(|_| bill.status == OrderStatus::AwaitingPayment) {
        contradict(tx, now, payment)?;
    }
    for mut payment in store::waiting_for_order(tx, bill.order_id)? {
        if payment.follow(bill.ruling(payment.id), now) {
            store::update(tx, &payment)?;
            // Of any other, Stripe's answer is announced.
            if payment.is_free() {
                announce(tx, now, &payment)?;
            }
        }
    }
    recall(tx, now, bill)
}

/// An order is confirmed with a payment that a restored database has lost. Of one that cost nothing, Stripe remembers
/// nothing: it was as the order says.
fn recall(tx: &Tx, now: Timestamp, bill: &Bill) -> Result<(), db::Error> {
    let Some(id) = bill.payment_id.filter(|_| bill.total.is_free()) else {
        return Ok(());
    };
    if store::payment(tx, id)?.is_some() {
        return Ok(());
    }
    let mut payment = Payment::recalled(id, bill.order_id, bill.buyer_id, bill.total, now);
    payment.follow(bill.ruling(id), now);
    store::insert(tx, &payment, None)?;
    announce(tx, now, &payment)?;
    // What was to be given back of it may have been heard before.
    announce_again(tx, now, &payment)
}

/// An order waits for the capture of a payment that is over: it heard of the authorisation after the end, where one was
/// delivered late. It is told the end again, and then it ends, too.
fn contradict(tx: &Tx, now: Timestamp, payment: PaymentId) -> Result<(), db::Error> {
    let over = |payment: &Payment| matches!(payment.status, Status::Failed | Status::Voided);
    match store::payment(tx, payment)?.filter(over) {
        Some(payment) => announce(tx, now, &payment),
        None => Ok(()),
    }
}
