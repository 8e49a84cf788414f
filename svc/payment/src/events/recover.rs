//! Starts the recovery of a database that was restored from a backup.

use db::Db;
use values::Clock;

use crate::{domain::RecoveryGap, store};

/// Opens the recovery gap of a restored database: the backup lacks payments, refunds and disputes that Stripe has a
/// record of. While it is open, a job restores payments and schedules checks of captured funds. Does nothing to a
/// database that was not restored, or has recovered from the journal: its gap was opened before.
pub(crate) async fn start_recovery(db: &Db, clock: &Clock) -> Result<(), db::Error> {
    let state = db.read_internal(|conn| {
        let is_outdated = db::restored::is_outdated(conn)?;
        Ok::<_, db::Error>((is_outdated, store::newest_payment_at(conn)?))
    });
    let (is_outdated, newest_payment_at) = state.await?;
    if !is_outdated {
        return Ok(());
    }
    let now = clock.now();
    let gap = RecoveryGap::open(newest_payment_at, now);
    db.write(move |tx| store::insert_recovery_gap(tx, gap)).await
}
