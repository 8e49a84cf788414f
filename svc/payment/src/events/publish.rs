//! What the other services are told: payments, refunds and disputes, appended to the outbox.

use bus::outbox;
use db::Tx;
use events::{Event, RefundOutcome, Reversal};
use values::{Money, PaymentId, Timestamp};

use crate::{
    domain::{Dispute, Payment, Refund, State, that_counts},
    store,
};

/// Who publishes.
pub(crate) const SOURCE: &str = "payment";

/// Announces the state of a payment, if it is one that the others know.
pub(crate) fn announce(tx: &Tx, now: Timestamp, payment: &Payment) -> Result<(), db::Error> {
    payment
        .event()
        .map_or(Ok(()), |event| outbox::append(tx, SOURCE, now, event))
}

/// Says what has become of a refund. Each such state of the payment has a version of its own.
pub(crate) fn announce_refund(tx: &Tx, now: Timestamp, refund: &Refund) -> Result<(), db::Error> {
    let Some(reversal) = reversal(tx, now, refund.payment_id)? else {
        return Ok(());
    };
    publish(tx, now, refund, reversal)
}

fn publish(tx: &Tx, now: Timestamp, refund: &Refund, reversal: Reversal) -> Result<(), db::Error> {
    let answer = RefundOutcome {
        id: refund.id,
        amount: refund.amount,
        failure: refund.failure.clone(),
    };
    let said = Reversal {
        refund: (!refund.by_hand).then_some(answer),
        ..reversal
    };
    let event = match refund.state {
        State::Succeeded => Event::PaymentRefunded(said),
        // That what was given back by hand has failed is told by the total.
        State::Failed if refund.by_hand => Event::PaymentRefunded(said),
        State::Failed => Event::PaymentRefundFailed(said),
        State::Asked | State::Pending => return Ok(()),
    };
    outbox::append(tx, SOURCE, now, event)
}

/// A new version of a payment, with all that went back.
pub(crate) fn reversal(tx: &Tx, now: Timestamp, id: PaymentId) -> Result<Option<Reversal>, db::Error> {
    store::count_version(tx, id, now)?;
    match store::payment(tx, id)? {
        Some(payment) => Ok(Some(standing(tx, &payment)?)),
        None => Ok(None),
    }
}

/// A payment, with all that went back.
fn standing(tx: &Tx, payment: &Payment) -> Result<Reversal, db::Error> {
    let refunded = store::refunds_of(tx, payment.id)?
        .iter()
        .filter(|refund| refund.state == State::Succeeded)
        .map(|refund| refund.amount.amount)
        .sum::<i64>();
    let disputes = store::disputes_of(tx, payment.id)?;
    let in_all = |amount| Money {
        amount,
        ..payment.amount
    };
    let dispute = that_counts(&disputes).and_then(Dispute::told);
    Ok(Reversal {
        payment: events::Payment {
            id: payment.id,
            version: payment.version,
            status: if refunded == payment.amount.amount {
                events::PaymentStatus::Refunded
            } else {
                events::PaymentStatus::Captured
            },
            order_id: payment.order_id,
            buyer_id: payment.buyer_id,
            amount: payment.amount,
        },
        refunded_total: in_all(refunded),
        refund: None,
        dispute: dispute.map(|(status, amount)| events::Dispute {
            status,
            amount: in_all(amount),
        }),
    })
}

/// Says again all that went back of a payment, as it is now.
pub(crate) fn announce_again(tx: &Tx, now: Timestamp, payment: &Payment) -> Result<(), db::Error> {
    let standing = standing(tx, payment)?;
    for refund in store::refunds_of(tx, payment.id)? {
        publish(tx, now, &refund, standing.clone())?;
    }
    if standing.dispute.is_some() {
        outbox::append(tx, SOURCE, now, Event::PaymentDisputed(standing))?;
    }
    Ok(())
}
