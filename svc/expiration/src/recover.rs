//! What a service that was put back from a backup takes back of what it had said.

use bus::ConsumeError;
use db::Tx;
use events::Envelope;
use rusqlite::Connection;
use values::{OrderId, Timestamp};

use crate::store;

/// A deadline that was announced need not be announced again. Timers of orders that the backup does not know come back
/// with what their orders said.
pub(crate) fn recover(tx: &Tx, _now: Timestamp, envelope: &Envelope) -> Result<bool, ConsumeError> {
    let Some(said) = envelope.event.as_expiration() else {
        return Ok(false);
    };
    let Some(mut timer) = store::find(tx, said.order_id)? else {
        return Ok(false);
    };
    let taken = timer.take_back(said);
    if taken {
        store::save(tx, &timer)?;
    }
    Ok(taken)
}

/// The newest moment that the database tells of.
pub(crate) fn newest_record_at(conn: &Connection) -> Result<Option<Timestamp>, db::Error> {
    Ok(store::newest(conn)?.and_then(OrderId::created_at))
}
