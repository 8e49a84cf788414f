//! Money that goes back: refunds that orders ask for, refunds that somebody makes at Stripe, and what buyers' banks take
//! back. Each use case is one function over a transaction; the books and what the others are told follow in the same one.

use bus::outbox;
use chassis::Service;
use db::{Db, Tx};
use events::{Event, RefundAnswer, Reversal};
use rusqlite::Connection;
use values::{Clock, Money, PaymentId, RefundId, Timestamp};

use crate::{
    Payments,
    ledger::{self, Why},
    payment::{Payment, Status},
    store,
};

mod dispute;
mod refund;
mod taking;
mod words;

use dispute::that_counts;

pub(crate) use dispute::{Dispute, DisputeStatus};
pub(crate) use refund::{Answer, Call, GivenBack, GivenBackStatus, Refund, State};
pub(crate) use taking::Taking;

/// What Stripe says has become of money that was taken.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Aftermath {
    /// What it has kept for itself, in its currency; `None` as long as it does not say.
    pub(crate) stripe_fee: Option<(i64, String)>,
    /// All refunds of it.
    pub(crate) refunds: Vec<GivenBack>,
    /// All disputes of it.
    pub(crate) disputes: Vec<Dispute>,
}

/// What of a payment's money is gone.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Gone {
    /// Minor units that went back, or are about to.
    pub(crate) refunded: i64,
    /// The dispute that counts, and how many minor units it is about.
    pub(crate) dispute: Option<(events::DisputeStatus, i64)>,
}

/// What of a payment's money is gone.
pub(crate) fn gone(conn: &Connection, payment: PaymentId) -> Result<Gone, db::Error> {
    let Some(taking) = store::taking(conn, payment)? else {
        return Ok(Gone::default());
    };
    Ok(Gone {
        refunded: taking.refunded,
        dispute: that_counts(&store::disputes_of(conn, payment)?).and_then(Dispute::told),
    })
}

/// An order asks for a refund. A second time it changes nothing. Stripe is asked once this is committed.
pub(crate) fn ask(tx: &Tx, now: Timestamp, asked: &events::Refund) -> Result<(), db::Error> {
    if store::refund(tx, asked.id)?.is_some() {
        return Ok(());
    }
    let mut refund = Refund::asked(asked.id, asked.payment_id, asked.amount, now);
    if refund.is_free() {
        refund.succeed(now);
    } else if let Some(why) = impossible(tx, asked)? {
        refund.fail(why, now);
    }
    store::insert_refund(tx, &refund)?;
    if refund.state == State::Asked {
        return Ok(());
    }
    announce(tx, now, &refund)
}

/// Why so much cannot be given back, where that is known without asking. Of a payment that is not known here, or not to be
/// captured, Stripe has the last word.
fn impossible(conn: &Connection, asked: &events::Refund) -> Result<Option<&'static str>, db::Error> {
    let Some(taking) = store::taking(conn, asked.payment_id)? else {
        let over = |payment: Payment| matches!(payment.status, Status::Voided | Status::Failed);
        let is_over = store::payment(conn, asked.payment_id)?.is_some_and(over);
        return Ok(is_over.then_some(words::NOTHING));
    };
    let asked_for = store::refunds_of(conn, asked.payment_id)?
        .iter()
        .filter(|other| other.state != State::Failed)
        .map(|other| other.amount.amount)
        .sum::<i64>();
    let left = taking.amount.amount - asked_for;
    let fits = asked.amount.currency == taking.amount.currency && asked.amount.amount <= left;
    Ok((!fits).then_some(words::TOO_MUCH))
}

/// Goes on with a refund by what Stripe answered, after it had shown `list`, all refunds of that payment: one of which nobody
/// here knows yet that it has failed would be in the way.
pub(crate) fn record(
    tx: &Tx,
    now: Timestamp,
    id: RefundId,
    list: &[GivenBack],
    answer: &Answer,
) -> Result<(), db::Error> {
    if let Some(refund) = store::refund(tx, id)?
        && let Some(taking) = store::taking(tx, refund.payment_id)?
    {
        follow_all(tx, now, &taking, list)?;
    }
    let Some(mut refund) = store::refund(tx, id)? else {
        return Ok(());
    };
    let changed = refund.learn(answer, now);
    keep(tx, now, &refund, changed)
}

/// Goes on with all that Stripe says has become of the money of a payment, asked at `asked_at`.
pub(crate) fn learn(
    tx: &Tx,
    now: Timestamp,
    payment: PaymentId,
    asked_at: Timestamp,
    found: &Aftermath,
) -> Result<(), db::Error> {
    let Some(mut taking) = store::taking(tx, payment)? else {
        return Ok(());
    };
    if taking.stripe_fee.is_none() && found.stripe_fee.is_some() {
        taking.stripe_fee.clone_from(&found.stripe_fee);
        store::update_taking(tx, &taking)?;
        ledger::book(tx, now, payment, &Why::StripeFee)?;
    }
    follow_all(tx, now, &taking, &found.refunds)?;
    for dispute in &found.disputes {
        hear_of_dispute(tx, now, payment, dispute)?;
    }
    let pending = store::refunds_of(tx, payment)?
        .iter()
        .any(|refund| refund.state == State::Pending);
    taking.looked_at(asked_at, pending, now);
    store::update_taking(tx, &taking)
}

/// Stripe did not say what has become of the money of a payment: it is asked again.
pub(crate) fn unanswered(tx: &Tx, now: Timestamp, payment: PaymentId) -> Result<(), db::Error> {
    let Some(mut taking) = store::taking(tx, payment)? else {
        return Ok(());
    };
    taking.postpone(now);
    store::update_taking(tx, &taking)
}

/// Follows all refunds that Stripe has of a payment. What has failed makes room for what came instead.
fn follow_all(tx: &Tx, now: Timestamp, taking: &Taking, list: &[GivenBack]) -> Result<(), db::Error> {
    let failed = |given: &&GivenBack| given.status == GivenBackStatus::Failed;
    let mut in_order = list
        .iter()
        .filter(failed)
        .chain(list.iter().filter(|given| !failed(given)));
    in_order.try_for_each(|given| follow(tx, now, taking, given))
}

/// Follows a refund of Stripe, also one that nobody here has asked for.
fn follow(tx: &Tx, now: Timestamp, taking: &Taking, given: &GivenBack) -> Result<(), db::Error> {
    if let Some(mut refund) = store::refund_at_stripe(tx, &given.id, given.refund_id)? {
        let changed = refund.follow(given, now);
        return keep(tx, now, &refund, changed);
    }
    let amount = Money {
        amount: given.amount,
        ..taking.amount
    };
    let mut refund = Refund::found(taking.payment_id, amount, given, now);
    refund.follow(given, now);
    tracing::warn!(payment = %taking.payment_id, refund = given.id, %amount, "money was given back that nobody here knew of");
    store::insert_refund(tx, &refund)?;
    told(tx, now, &refund)
}

fn keep(tx: &Tx, now: Timestamp, refund: &Refund, changed: bool) -> Result<(), db::Error> {
    store::update_refund(tx, refund)?;
    if refund.state == State::Pending {
        // Whether it arrives is looked at from time to time, should Stripe not tell.
        store::look_after(tx, refund.payment_id, now)?;
    }
    if changed { told(tx, now, refund) } else { Ok(()) }
}

/// Writes a refund into the books, and tells the others.
fn told(tx: &Tx, now: Timestamp, refund: &Refund) -> Result<(), db::Error> {
    let id = refund.id.to_string();
    let why = match refund.state {
        State::Failed => Why::RefundFailed(id),
        State::Asked | State::Pending | State::Succeeded => Why::Refund(id),
    };
    ledger::book(tx, now, refund.payment_id, &why)?;
    match refund.state {
        State::Asked | State::Pending => Ok(()),
        State::Succeeded | State::Failed => announce(tx, now, refund),
    }
}

/// Keeps how a dispute is; tells the others where that matters to them.
fn hear_of_dispute(tx: &Tx, now: Timestamp, payment: PaymentId, dispute: &Dispute) -> Result<(), db::Error> {
    let before = store::disputes_of(tx, payment)?;
    if before.contains(dispute) {
        return Ok(());
    }
    store::keep_dispute(tx, payment, dispute, now)?;
    ledger::book(tx, now, payment, &Why::Dispute(dispute.id.clone()))?;
    let after = store::disputes_of(tx, payment)?;
    let counts = |disputes: &[Dispute]| that_counts(disputes).and_then(Dispute::told);
    if counts(&before) == counts(&after) {
        return Ok(());
    }
    if let Some(mut reversal) = reversal(tx, now, payment)? {
        reversal.refund = None;
        outbox::append(tx, Payments::NAME, now, Event::PaymentDisputed(reversal))?;
    }
    Ok(())
}

/// Says what has become of a refund. Each such state of the payment has a version of its own.
fn announce(tx: &Tx, now: Timestamp, refund: &Refund) -> Result<(), db::Error> {
    let Some(reversal) = reversal(tx, now, refund.payment_id)? else {
        return Ok(());
    };
    publish(tx, now, refund, reversal)
}

fn publish(tx: &Tx, now: Timestamp, refund: &Refund, reversal: Reversal) -> Result<(), db::Error> {
    let answer = RefundAnswer {
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
    outbox::append(tx, Payments::NAME, now, event)
}

/// A new version of a payment, with all that went back.
fn reversal(tx: &Tx, now: Timestamp, id: PaymentId) -> Result<Option<Reversal>, db::Error> {
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
        outbox::append(tx, Payments::NAME, now, Event::PaymentDisputed(standing))?;
    }
    Ok(())
}

/// Has all money looked at that was taken lately, should the database have been put back from a backup: what was given back
/// or disputed since is not known here.
pub(crate) async fn begin(db: &Db, clock: &Clock) -> Result<(), db::Error> {
    if db.read(db::restored::is_marked).await? {
        let now = clock.now();
        db.write(move |tx| store::look_after_all(tx, now)).await?;
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
