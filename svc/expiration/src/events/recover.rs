use bus::ConsumeError;
use db::Tx;
use events::Envelope;
use rusqlite::Connection;
use values::{OrderId, Timestamp};

use crate::store;

/// Restores the expired state of a timer from a published expiration, so that it is not published again. Returns whether
/// the timer changed.
///
/// Timers of orders that the backup does not have come back with the events of their orders.
pub(crate) fn recover(tx: &Tx, _now: Timestamp, envelope: &Envelope) -> Result<bool, ConsumeError> {
    let Some(published) = envelope.event.as_expiration() else {
        return Ok(false);
    };
    let Some(mut timer) = store::find_timer(tx, published.order_id)? else {
        return Ok(false);
    };
    let changed = timer.recover(published);
    if changed {
        store::save_timer(tx, &timer)?;
    }
    Ok(changed)
}

/// Returns the creation time of the newest order in the database.
pub(crate) fn newest_record_at(conn: &Connection) -> Result<Option<Timestamp>, db::Error> {
    Ok(store::newest_order(conn)?.and_then(OrderId::created_at))
}
