//! Takes back payments that Stripe knows and a database that was put back from a backup does not.
//!
//! An intent names its payment, its order and its buyer. That is enough for a row whose state is open; Stripe is then asked
//! how the intent is, and the order what becomes of it, as ever: what is set aside for an order that waits for it confirms
//! it, what was taken for a confirmed order completes it, and what nobody waits for is let go.

use db::Tx;
use values::{Currency, Money, Timestamp};

use crate::{
    domain::{Intent, IntentStatus, Payment, Ruling, Status},
    store,
};

/// What became of an intent that names a payment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Remembered {
    /// It is a payment again.
    Taken,
    /// It was one already.
    Known,
    /// Something must come first.
    NotYet(String),
    /// It does not say enough.
    Never(String),
}

/// Makes a payment of an intent, if there is none.
pub(crate) fn remember(tx: &Tx, now: Timestamp, intent: &Intent) -> Result<Remembered, db::Error> {
    let ids = (
        read(intent.payment_id.as_ref()),
        read(intent.order_id.as_ref()),
        read(intent.buyer_id.as_ref()),
    );
    let (Some(id), Some(order), Some(buyer)) = ids else {
        return Ok(Remembered::Never(
            "it does not name payment, order and buyer".to_owned(),
        ));
    };
    let Ok(currency) = intent.currency.parse::<Currency>() else {
        return Ok(Remembered::Never(format!("it is in {}", intent.currency)));
    };
    if store::payment(tx, id)?.is_some() {
        return Ok(Remembered::Known);
    }
    let Some(bill) = store::bill(tx, order)? else {
        return Ok(Remembered::NotYet(format!("the order {order} is not known here")));
    };
    let amount = Money {
        amount: intent.amount,
        currency,
    };
    let mut payment = Payment::remembered((id, order, buyer), amount, intent, now);
    if let Some(mut other) = store::live(tx, order)? {
        let undecided = bill.ruling(id) == Ruling::Wait && intent.status == IntentStatus::Succeeded;
        match bill.ruling(id) {
            Ruling::Capture if other.waits_for_buyer() => {
                other.give_way(now);
                store::update(tx, &other)?;
            }
            Ruling::Wait | Ruling::Void if !undecided => payment.status = Status::Voiding,
            _ => return Ok(Remembered::NotYet(format!("the payment {} is under way", other.id))),
        }
    }
    store::insert(tx, &payment, None)?;
    Ok(Remembered::Taken)
}

fn read<T: std::str::FromStr>(name: Option<&String>) -> Option<T> {
    name?.parse().ok()
}
