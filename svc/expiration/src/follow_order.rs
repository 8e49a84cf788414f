use bus::{Rungs, outbox};
use db::Tx;
use events::Order;
use ids::Timestamp;

use crate::{NAME, store, timer::Timer};

/// Keeps the time of an order as its newest state asks, and sends a new deadline up the ladder, in one transaction.
pub(crate) fn follow_order(tx: &Tx, now: Timestamp, order: &Order, rungs: &Rungs) -> Result<(), db::Error> {
    let known = store::find(tx, order.id)?;
    let Some(timer) = Timer::following(known.as_ref(), order) else {
        return Ok(());
    };
    store::save(tx, &timer)?;
    if timer.starts(known.as_ref()) {
        outbox::delay(tx, NAME, now, timer.message(), rungs)?;
    }
    Ok(())
}
