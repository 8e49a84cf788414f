//! Writes down what Stripe answered, with what it leads to and what the others are told of it, in one transaction.

use bus::outbox;
use db::Tx;
use values::{PaymentId, Timestamp};

use super::book::open;
use crate::{
    domain::{BasisPoints, Bill, Call, Learned, Payment, Ruling},
    events::SOURCE,
    store,
};

/// Goes on with a payment by what Stripe answered to `call`, which was asked at `asked_at`.
pub(super) fn record(
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
        outbox::append(tx, SOURCE, now, event)?;
    }
    Ok(Some(payment))
}

/// Writes down what Stripe answered to a call, and begins the books of what it took.
pub(crate) fn keep(
    tx: &Tx,
    now: Timestamp,
    share: BasisPoints,
    id: PaymentId,
    asked: (Call, Timestamp),
    learned: Learned,
) -> Result<Option<Payment>, db::Error> {
    let payment = record(tx, now, id, asked, learned)?;
    if let Some(payment) = &payment {
        open(tx, now, share, payment)?;
    }
    Ok(payment)
}
