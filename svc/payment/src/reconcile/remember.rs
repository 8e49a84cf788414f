//! Takes back payments that Stripe knows and a database that was put back from a backup does not.
//!
//! An intent names its payment, its order and its buyer. That is enough for a row whose state is open; Stripe is then asked
//! how the intent is, and the order what becomes of it, as ever: what is set aside for an order that waits for it confirms
//! it, what was taken for a confirmed order completes it, and what nobody waits for is let go.

use std::time::Duration;

use chassis::Job;
use db::{Db, Tx};
use values::{Clock, Currency, Money, Timestamp};

use crate::{
    bill::Ruling,
    intent::{Intent, IntentStatus},
    payment::{Payment, Status},
    store::{self, Amnesia},
    stripe::Stripe,
};

/// How far before the newest payment that is known others may be missing.
const SLACK: Duration = Duration::from_mins(10);

/// An authorisation lives for seven days (<https://docs.stripe.com/payments/place-a-hold-on-a-payment-method>): what is
/// older moves no more. So far back is looked where not a single payment is known.
const LIFETIME: Duration = Duration::from_hours(7 * 24);

/// How often is looked for what is missing.
const EVERY: Duration = Duration::from_secs(10);

/// How long is looked: orders that are not known by then are those of somebody else at the same account.
const PATIENCE: Duration = Duration::from_hours(1);

/// What became of an intent that names a payment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Remembered {
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
pub(super) fn remember(tx: &Tx, now: Timestamp, intent: &Intent) -> Result<Remembered, db::Error> {
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

/// Remembers, should the database have been put back from a backup, that payments may be missing.
pub(crate) async fn begin(db: &Db, clock: &Clock) -> Result<(), db::Error> {
    let now = clock.now();
    let marked = db.read(|conn| Ok::<_, db::Error>((db::restored::is_marked(conn)?, store::newest(conn)?)));
    if let (true, newest) = marked.await? {
        let since = newest.map_or(now - LIFETIME, |newest| newest - SLACK);
        let amnesia = Amnesia { since, began_at: now };
        db.write(move |tx| store::keep_amnesia(tx, amnesia)).await?;
    }
    Ok(())
}

/// The job that asks Stripe for what is missing, until nothing is.
pub(crate) fn remembering(db: &Db, clock: &Clock, stripe: &Stripe) -> Job {
    let (db, clock, stripe) = (db.clone(), clock.clone(), stripe.clone());
    Job::every(EVERY, "ask Stripe for forgotten payments", move || {
        let (db, clock, stripe) = (db.clone(), clock.clone(), stripe.clone());
        async move {
            if let Err(error) = look(&db, &clock, &stripe).await {
                tracing::warn!(%error, "forgotten payments could not be asked for");
            }
        }
    })
}

async fn look(db: &Db, clock: &Clock, stripe: &Stripe) -> Result<(), db::Error> {
    let Some(amnesia) = db.read(store::amnesia).await? else {
        return Ok(());
    };
    let (mut taken, mut missing, mut after) = (0_u64, Vec::new(), None);
    loop {
        if !stripe.may_be_asked() {
            return Ok(());
        }
        let page = match stripe.intents((amnesia.since, clock.now()), after.as_deref()).await {
            Ok(page) => page,
            Err(reason) => {
                tracing::warn!(
                    reason,
                    "Stripe does not tell which payments there are: it is asked again"
                );
                return Ok(());
            }
        };
        for intent in page.intents.into_iter().filter(|intent| intent.payment_id.is_some()) {
            let (id, now) = (intent.id.clone(), clock.now());
            match db.write(move |tx| remember(tx, now, &intent)).await? {
                Remembered::Taken => {
                    tracing::warn!(intent = id, "a forgotten payment is taken back");
                    taken += 1;
                }
                Remembered::Known => {}
                Remembered::NotYet(why) => missing.push((id, why)),
                Remembered::Never(why) => {
                    tracing::error!(intent = id, why, "Stripe knows a payment that cannot be taken back");
                }
            }
        }
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    let since = amnesia.since;
    if missing.is_empty() || amnesia.began_at + PATIENCE < clock.now() {
        for (intent, why) in &missing {
            tracing::error!(intent, why, "Stripe knows a payment that was not taken back");
        }
        db.write(store::forget_amnesia).await?;
        tracing::info!(taken, missing = missing.len(), %since, "Stripe has been asked for forgotten payments");
    }
    Ok(())
}
