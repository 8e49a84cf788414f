//! Asks Stripe for payments that a database that was put back from a backup does not know.

use std::time::Duration;

use chassis::Job;
use db::Db;
use values::Clock;

use crate::{
    store,
    stripe::Stripe,
    use_cases::{Remembered, remember},
};

/// How often is looked for what is missing.
const EVERY: Duration = Duration::from_secs(10);

/// How long is looked: orders that are not known by then are those of somebody else at the same account.
const PATIENCE: Duration = Duration::from_hours(1);

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
