//! Table `stripe_event`: the ids of the Stripe events that were received.

use db::Tx;
use values::Timestamp;

/// Stores the id of an event; returns whether it is new.
pub(crate) fn insert_stripe_event(tx: &Tx, id: &str, now: Timestamp) -> Result<bool, db::Error> {
    let added = tx
        .prepare_cached("INSERT INTO stripe_event (id, received_at) VALUES (?1, ?2) ON CONFLICT (id) DO NOTHING")?
        .execute((id, now))?;
    Ok(added > 0)
}

/// Deletes up to 1000 events that were received before `before`; returns how many.
pub(crate) fn purge_stripe_events(tx: &Tx, before: Timestamp) -> Result<usize, db::Error> {
    Ok(tx
        .prepare_cached(
            "DELETE FROM stripe_event WHERE id IN
                 (SELECT id FROM stripe_event WHERE received_at < ?1 ORDER BY received_at LIMIT 1000)",
        )?
        .execute([before])?)
}
