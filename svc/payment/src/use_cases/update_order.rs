//! Updates the replica of an order, and applies its decision to its payments.

use db::Tx;
use events::OrderStatus;
use values::{PaymentId, Timestamp};

use super::update_ledger::update_ledger;
use crate::{
    domain::{DueWork, EntryReason, PayableOrder, Payment},
    events::{publish_payment, republish_refunds},
    store,
};

/// Stores a newer state of an order and applies its decision to its payments. The worker calls Stripe after the commit.
pub(crate) fn update_order(tx: &Tx, now: Timestamp, order: &PayableOrder) -> Result<(), db::Error> {
    let is_seller_new = store::fill_in_seller(tx, order)?;
    let is_newer = store::upsert_order(tx, order)?;
    if let Some(payment) = order.payment_id.filter(|_| is_newer || is_seller_new) {
        update_ledger(tx, now, payment, &EntryReason::Completed)?;
    }
    if !is_newer {
        return Ok(());
    }
    tx.announce_row(&order.order_id);
    if let Some(payment) = order
        .payment_id
        .filter(|_| order.status == OrderStatus::AwaitingPayment)
    {
        republish_end(tx, now, payment)?;
    }
    for mut payment in store::undecided_payments(tx, order.order_id)? {
        if payment.apply_decision(order.capture_decision(payment.id()), now) {
            store::update_payment(tx, &payment)?;
            // The change of any other payment is published with Stripe's result.
            if payment.is_free() {
                publish_payment(tx, now, &payment)?;
            } else {
                tx.hand_over(DueWork::movement(payment.id()), DueWork::BYTES);
            }
        }
    }
    restore_free_payment(tx, now, order)
}

/// Restores a free payment that the order is confirmed with and a restored database lacks. Stripe has no record of it.
fn restore_free_payment(tx: &Tx, now: Timestamp, order: &PayableOrder) -> Result<(), db::Error> {
    let Some(id) = order.payment_id.filter(|_| order.total.is_free()) else {
        return Ok(());
    };
    if store::payment(tx, id)?.is_some() {
        return Ok(());
    }
    let mut payment = Payment::from_order(id, order.order_id, order.buyer_id, order.total, now);
    payment.apply_decision(order.capture_decision(id), now);
    store::insert_payment(tx, &payment, None)?;
    publish_payment(tx, now, &payment)?;
    // Its refunds may have been requested before.
    republish_refunds(tx, now, &payment)
}

/// Publishes the end of a payment again if the order waits for its capture: the order received the authorisation late,
/// after the end.
fn republish_end(tx: &Tx, now: Timestamp, payment: PaymentId) -> Result<(), db::Error> {
    match store::payment(tx, payment)?.filter(|payment| payment.status().has_ended()) {
        Some(payment) => publish_payment(tx, now, &payment),
        None => Ok(()),
    }
}
