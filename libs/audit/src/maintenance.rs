use std::time::Duration;

use db::{Db, Error, Tx};
use values::Timestamp;

use crate::{
    Entry, Refusals,
    table::{self, PURGE_LIMIT},
};

/// Writes the counted refusals, and deletes all rows that are older than `retention`: a bounded number in each transaction,
/// so that other writes do not wait long.
pub async fn maintain(db: &Db, refusals: &Refusals, now: Timestamp, retention: Duration) {
    write_counted(db, refusals, now).await;
    loop {
        match db.write(move |tx| table::purge(tx, now - retention)).await {
            Ok(deleted) if deleted < PURGE_LIMIT => break,
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "audit log could not be purged, will retry");
                break;
            }
        }
    }
}

/// Writes the counted refusals. If that fails, they are lost: what could not be written in a minute would fill the memory.
pub async fn write_counted(db: &Db, refusals: &Refusals, now: Timestamp) {
    let counted = refusals.take(now);
    if counted.is_empty() {
        return;
    }
    if let Err(error) = db.write(move |tx| write_all(tx, now, &counted)).await {
        tracing::warn!(%error, "audit log could not be written");
    }
}

fn write_all(tx: &Tx, now: Timestamp, counted: &[(Entry, u32)]) -> Result<(), Error> {
    counted
        .iter()
        .try_for_each(|(entry, count)| table::write_refusal(tx, now, entry, *count))
}
