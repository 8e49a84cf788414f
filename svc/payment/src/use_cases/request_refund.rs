//! An order asks for a refund.

use db::Tx;
use rusqlite::Connection;
use values::Timestamp;

use crate::{
    domain::{NOTHING, Payment, Refund, State, Status, TOO_MUCH},
    events::announce_refund,
    store,
};

/// An order asks for a refund. A second time it changes nothing. Stripe is asked once this is committed.
pub(crate) fn ask_refund(tx: &Tx, now: Timestamp, asked: &events::Refund) -> Result<(), db::Error> {
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
    announce_refund(tx, now, &refund)
}

/// Why so much cannot be given back, where that is known without asking. Of a payment that is not known here, or not to be
/// captured, Stripe has the last word.
fn impossible(conn: &Connection, asked: &events::Refund) -> Result<Option<&'static str>, db::Error> {
    let Some(taking) = store::taking(conn, asked.payment_id)? else {
        let over = |payment: Payment| matches!(payment.status, Status::Voided | Status::Failed);
        let is_over = store::payment(conn, asked.payment_id)?.is_some_and(over);
        return Ok(is_over.then_some(NOTHING));
    };
    let asked_for = store::refunds_of(conn, asked.payment_id)?
        .iter()
        .filter(|other| other.state != State::Failed)
        .map(|other| other.amount.amount)
        .sum::<i64>();
    let left = taking.amount.amount - asked_for;
    let fits = asked.amount.currency == taking.amount.currency && asked.amount.amount <= left;
    Ok((!fits).then_some(TOO_MUCH))
}
