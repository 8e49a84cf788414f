//! What Stripe tells unasked.

use db::Tx;
use values::Timestamp;

/// Remembers an event of Stripe; says whether it is new.
pub(crate) fn is_new(tx: &Tx, event: &str, now: Timestamp) -> Result<bool, db::Error> {
    let added = tx
        .prepare_cached("INSERT INTO stripe_event (id, received_at) VALUES (?1, ?2) ON CONFLICT (id) DO NOTHING")?
        .execute((event, now))?;
    Ok(added > 0)
}

/// Forgets some of the events that came before `before`; says how many.
pub(crate) fn forget(tx: &Tx, before: Timestamp) -> Result<usize, db::Error> {
    Ok(tx
        .prepare_cached(
            "DELETE FROM stripe_event WHERE id IN
                 (SELECT id FROM stripe_event WHERE received_at < ?1 ORDER BY received_at LIMIT 1000)",
        )?
        .execute([before])?)
}
