//! What the service does when another says something. Each may come twice, late or in another order.

use bus::ReactionError;
use db::Tx;
use events::{Envelope, Event, Expiration, Payment, Ticket};
use ids::Timestamp;

use crate::{
    order::{CannotPay, Change, Order},
    record, store,
};

pub(crate) fn react(tx: &Tx, now: Timestamp, envelope: &Envelope) -> Result<(), ReactionError> {
    match &envelope.event {
        Event::TicketCreated(ticket) | Event::TicketUpdated(ticket) => adopt_listing(tx, now, ticket),
        Event::PaymentAuthorized(payment) => {
            paid(tx, now, payment, |order| order.confirm(payment.id, payment.amount, now))
        }
        Event::PaymentCreated(payment) => paid(tx, now, payment, |order| {
            order.complete(payment.id, payment.amount, now)
        }),
        Event::PaymentFailed(payment) => paid(tx, now, payment, |order| Ok(order.fail(payment.id, now))),
        Event::ExpirationCompleted(expiration) => expire(tx, now, expiration),
        // What was sold stays sold: money that goes back changes nothing here, yet.
        Event::PaymentPending(_)
        | Event::PaymentRefunded(_)
        | Event::PaymentRefundFailed(_)
        | Event::PaymentDisputed(_) => Ok(()),
        other => Err(ReactionError::new(format_args!(
            "{} is not for the order service",
            other.name()
        ))),
    }
}

/// Takes the seller's latest wish; a withdrawn listing takes its open orders with it.
fn adopt_listing(tx: &Tx, now: Timestamp, ticket: &Ticket) -> Result<(), ReactionError> {
    if store::adopt(tx, ticket)? && ticket.withdrawn_at.is_some() {
        for mut order in store::open_orders(tx, ticket.id)? {
            if order.withdraw(now) == Change::Made {
                record::changed(tx, &order, now)?;
            }
        }
    }
    Ok(())
}

fn paid(
    tx: &Tx,
    now: Timestamp,
    payment: &Payment,
    take: impl FnOnce(&mut Order) -> Result<Change, CannotPay>,
) -> Result<(), ReactionError> {
    let order = store::order(tx, payment.order_id)?;
    // Only a database that lost it can not know an order that is paid for.
    let mut order = order.ok_or_else(|| ReactionError::new(format_args!("there is no order {}", payment.order_id)))?;
    if take(&mut order).map_err(ReactionError::new)? == Change::Made {
        record::changed(tx, &order, now)?;
    }
    Ok(())
}

fn expire(tx: &Tx, now: Timestamp, expiration: &Expiration) -> Result<(), ReactionError> {
    // An order that a restored database lost has no hold either: nothing is left to expire.
    let Some(mut order) = store::order(tx, expiration.order_id)? else {
        return Ok(());
    };
    if order.expire(expiration.deadline, now) == Change::Made {
        record::changed(tx, &order, now)?;
    }
    Ok(())
}
