//! Restores payments that a restored database lacks, from Stripe's list of intents.

use std::time::Duration;

use audit::Author;
use chassis::Job;
use db::Db;
use values::Clock;

use crate::{
    store,
    stripe::StripeClient,
    use_cases::{RestoreOutcome, restore_payment},
};

/// How often Stripe's list is searched while the recovery gap is open.
const SEARCH_INTERVAL: Duration = Duration::from_secs(10);

/// The number of captured funds that one transaction schedules for a check.
const CHECKS_PER_BATCH: u32 = 500;

/// Returns the job that searches Stripe for missing payments while a recovery gap is open.
pub(crate) fn recovery_job(db: &Db, clock: &Clock, stripe: &StripeClient) -> Job {
    let (db, clock, stripe) = (db.clone(), clock.clone(), stripe.clone());
    Job::every(SEARCH_INTERVAL, "restore payments from Stripe", move || {
        let (db, clock, stripe) = (db.clone(), clock.clone(), stripe.clone());
        async move {
            if let Err(error) = recover_payments(&db, &clock, &stripe).await {
                tracing::warn!(%error, "payments could not be restored from stripe");
            }
        }
    })
}

/// Restores the payments of the recovery gap, and closes it when none is missing or it has expired.
async fn recover_payments(db: &Db, clock: &Clock, stripe: &StripeClient) -> Result<(), db::Error> {
    let Some(gap) = db.read_internal(store::recovery_gap).await? else {
        return Ok(());
    };
    request_checks(db, clock).await?;
    let (mut restored, mut missing, mut after) = (0_u64, Vec::new(), None);
    loop {
        if !stripe.allows_request() {
            return Ok(());
        }
        let page = match stripe.list_intents((gap.since, clock.now()), after.as_deref()).await {
            Ok(page) => page,
            Err(reason) => {
                tracing::warn!(reason, "intents could not be listed, will call again");
                return Ok(());
            }
        };
        for intent in page.intents.into_iter().filter(|intent| intent.payment_id.is_some()) {
            let (id, now) = (intent.id.clone(), clock.now());
            let author = Author::service("payment");
            match db.write(move |tx| restore_payment(tx, now, &intent, &author)).await? {
                RestoreOutcome::Restored => {
                    tracing::warn!(intent = id, "missing payment restored from stripe");
                    restored += 1;
                }
                RestoreOutcome::NotMissing => {}
                RestoreOutcome::NotYet(reason) => missing.push((id, reason)),
                RestoreOutcome::Impossible(reason) => {
                    tracing::error!(intent = id, reason, "no payment can be restored from the intent");
                }
            }
        }
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    if missing.is_empty() || gap.is_expired(clock.now()) {
        for (intent, reason) in &missing {
            tracing::error!(intent, reason, "missing payment was not restored");
        }
        db.write(store::delete_recovery_gap).await?;
        tracing::info!(restored, missing = missing.len(), since = %gap.since, "recovery from stripe finished");
    }
    Ok(())
}

/// Schedules checks of the captured funds that can still be disputed, in batches: the backup lacks later refunds and
/// disputes. The progress is stored.
async fn request_checks(db: &Db, clock: &Clock) -> Result<(), db::Error> {
    while let Some(after) = db.read_internal(store::checks_after).await? {
        let now = clock.now();
        db.write(move |tx| {
            let last = store::request_checks(tx, now, &after, CHECKS_PER_BATCH)?;
            store::set_checks_after(tx, last.as_deref())
        })
        .await?;
    }
    Ok(())
}
