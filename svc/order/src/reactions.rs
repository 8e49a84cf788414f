//! What the service does when another says something. Each may come twice, late or in another order.

use std::time::Duration;

use bus::ConsumeError;
use db::Tx;
use events::{Envelope, Event, Expiration, OrderStatus, Payment, Reversal, Ticket};
use values::Timestamp;

use crate::{
    order::{CannotPay, Change, Order},
    record, store,
    withdrawal::refund_sale,
};

/// `extension` is by how much a deadline is moved while a payment is under way.
pub(crate) fn react(tx: &Tx, now: Timestamp, envelope: &Envelope, extension: Duration) -> Result<(), ConsumeError> {
    match &envelope.event {
        Event::TicketCreated(ticket) | Event::TicketUpdated(ticket) => adopt_listing(tx, now, ticket),
        Event::PaymentPending(payment) => paid(tx, now, payment, |order| Ok(order.await_payment(payment.id))),
        Event::PaymentAuthorized(payment) => {
            paid(tx, now, payment, |order| order.confirm(payment.id, payment.amount, now))
        }
        Event::PaymentCreated(payment) => paid(tx, now, payment, |order| {
            order.complete(payment.id, payment.amount, now)
        }),
        Event::PaymentFailed(payment) => paid(tx, now, payment, |order| Ok(order.fail(payment.id, now))),
        Event::ExpirationCompleted(expiration) => expire(tx, now, expiration, extension),
        Event::PaymentRefunded(reversal) | Event::PaymentRefundFailed(reversal) | Event::PaymentDisputed(reversal) => {
            give_back(tx, now, reversal)
        }
        other => Err(ConsumeError::new(format_args!(
            "{} is not for the order service",
            other.name()
        ))),
    }
}

/// Takes the seller's latest wish; a withdrawn listing takes its open orders with it, and its sales are refunded.
fn adopt_listing(tx: &Tx, now: Timestamp, ticket: &Ticket) -> Result<(), ConsumeError> {
    if store::adopt(tx, ticket)? && ticket.withdrawn_at.is_some() {
        for mut order in store::open_orders(tx, ticket.id)? {
            if order.withdraw(now) == Change::Made {
                record::changed(tx, &order, now)?;
            }
        }
        store::begin_withdrawal(tx, ticket.id)?;
    }
    Ok(())
}

fn paid(
    tx: &Tx,
    now: Timestamp,
    payment: &Payment,
    take: impl FnOnce(&mut Order) -> Result<Change, CannotPay>,
) -> Result<(), ConsumeError> {
    let order = store::order(tx, payment.order_id)?;
    // Only a database that lost it can not know an order that is paid for.
    let mut order = order.ok_or_else(|| ConsumeError::new(format_args!("there is no order {}", payment.order_id)))?;
    match take(&mut order).map_err(ConsumeError::new)? {
        Change::Made => record::changed(tx, &order, now)?,
        Change::Noted => store::update(tx, &order)?,
        Change::None => return Ok(()),
    }
    if order.status == OrderStatus::Complete && is_withdrawn(tx, &order)? {
        refund_sale(tx, &order, now)?;
    }
    Ok(())
}

/// Takes what went back of a payment: tickets by a refund, money by hand, or what a bank decided.
fn give_back(tx: &Tx, now: Timestamp, reversal: &Reversal) -> Result<(), ConsumeError> {
    let payment = &reversal.payment;
    let order = store::order(tx, payment.order_id)?;
    let mut order = order.ok_or_else(|| ConsumeError::new(format_args!("there is no order {}", payment.order_id)))?;
    if order.payment_id != Some(payment.id) {
        // Given back because the order could not take it: that is how it should be.
        tracing::warn!(order = %order.id, payment = %payment.id, "money went back that the order was not paid with");
        return Ok(());
    }
    if let Some(answer) = &reversal.refund {
        let refund = store::refund(tx, answer.id)?.filter(|refund| refund.order_id == order.id);
        let Some(mut refund) = refund else {
            return Err(ConsumeError::new(format_args!(
                "the order {} has no refund {}",
                order.id, answer.id
            )));
        };
        let resell = store::listing(tx, order.ticket_id)?.is_some_and(|listing| listing.resell_refunded);
        let left = order.quantity.saturating_sub(order.claimed);
        if refund.answered(answer, payment.version, left, resell, now) == Change::Made {
            if let Some(failure) = &refund.failure {
                tracing::warn!(refund = %refund.id, %failure, "a refund could not be paid");
            }
            record::refund_changed(tx, &refund, now)?;
        }
    }
    let was_disputed = order.is_disputed();
    let (before, given_back) = (order.after, store::given_back(tx, order.id)?);
    let refunded = reversal.refunded_total.amount;
    if order.give_back(given_back, payment.version, refunded, reversal.dispute, now) != Change::Made {
        return Ok(());
    }
    record::gave_back(tx, &before, &order, now)?;
    if was_disputed && !order.is_disputed() && is_withdrawn(tx, &order)? {
        refund_sale(tx, &order, now)?;
    }
    Ok(())
}

fn is_withdrawn(tx: &Tx, order: &Order) -> Result<bool, db::Error> {
    Ok(store::listing(tx, order.ticket_id)?.is_some_and(|listing| listing.withdrawn_at.is_some()))
}

fn expire(tx: &Tx, now: Timestamp, expiration: &Expiration, extension: Duration) -> Result<(), ConsumeError> {
    // An order that a restored database lost has no hold either: nothing is left to expire.
    let Some(mut order) = store::order(tx, expiration.order_id)? else {
        return Ok(());
    };
    if order.expire(expiration.deadline, extension, now) == Change::Made {
        record::changed(tx, &order, now)?;
    }
    Ok(())
}
