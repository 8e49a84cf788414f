//! Follows the refunds that Stripe has of a payment.

use db::Tx;
use values::{Money, Timestamp};

use super::book::book;
use crate::{
    domain::{GivenBack, GivenBackStatus, Refund, State, Taking, Why},
    events::announce_refund,
    store,
};

/// Follows all refunds that Stripe has of a payment. What has failed makes room for what came instead.
pub(super) fn follow_all(tx: &Tx, now: Timestamp, taking: &Taking, list: &[GivenBack]) -> Result<(), db::Error> {
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

pub(super) fn keep(tx: &Tx, now: Timestamp, refund: &Refund, changed: bool) -> Result<(), db::Error> {
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
    book(tx, now, refund.payment_id, &why)?;
    match refund.state {
        State::Asked | State::Pending => Ok(()),
        State::Succeeded | State::Failed => announce_refund(tx, now, refund),
    }
}
