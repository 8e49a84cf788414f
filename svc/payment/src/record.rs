//! Writes down what Stripe answered, with what it leads to and what the others are told of it, in one transaction.

use bus::outbox;
use chassis::Service;
use db::Tx;
use values::{PaymentId, Timestamp};

use crate::{
    Payments,
    bill::{Bill, Ruling},
    intent::Learned,
    payment::{Call, Payment},
    store,
};

/// Goes on with a payment by what Stripe answered to `call`, which was asked at `asked_at`.
pub(crate) fn record(
    tx: &Tx,
    now: Timestamp,
    id: PaymentId,
    (call, asked_at): (Call, Timestamp),
    learned: Learned,
) -> Result<Option<Payment>, db::Error> {
    let Some(mut payment) = store::payment(tx, id)? else {
        return Ok(None);
    };
    // The foreign key sees to it that there is a bill.
    let ruling = store::bill(tx, payment.order_id)?.map_or(Ruling::Wait, |bill: Bill| bill.ruling(id));
    if !matches!(learned, Learned::Unknown(_)) {
        payment.heard_out(asked_at);
    }
    let announced = payment.learn(call, learned, ruling, now);
    store::update(tx, &payment)?;
    if let Some(event) = announced {
        outbox::append(tx, Payments::NAME, now, event)?;
    }
    Ok(Some(payment))
}

/// Announces the state of a payment, if it is one that the others know.
pub(crate) fn announce(tx: &Tx, now: Timestamp, payment: &Payment) -> Result<(), db::Error> {
    payment
        .event()
        .map_or(Ok(()), |event| outbox::append(tx, Payments::NAME, now, event))
}
