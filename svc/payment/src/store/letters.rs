//! What Stripe tells unasked.

use db::Tx;
use rusqlite::{Connection, OptionalExtension};
use values::{PaymentId, Timestamp};

use super::{Payment, read_payment};

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

/// The payment of an intent: by the intent's id, or by what its metadata says where that is not known yet.
pub(crate) fn of_intent(
    conn: &Connection,
    intent: &str,
    payment: Option<PaymentId>,
) -> Result<Option<Payment>, db::Error> {
    Ok(conn
        .prepare_cached("SELECT * FROM payment WHERE intent_id = ?1 OR (id = ?2 AND intent_id IS NULL)")?
        .query_row((intent, payment), read_payment)
        .optional()?)
}
