//! Says the state of every payment again.

use db::Tx;
use values::Timestamp;

use super::publish::{announce, announce_again};
use crate::store;

/// How many payments are announced again in one transaction.
const REPUBLISHED: u32 = 500;

/// Announces some payments; says after which to go on, until there is none.
pub(crate) fn republish(tx: &Tx, now: Timestamp, after: Option<&str>) -> Result<Option<String>, db::Error> {
    let payments = store::page(tx, after.unwrap_or_default(), REPUBLISHED)?;
    for payment in &payments {
        announce(tx, now, payment)?;
        announce_again(tx, now, payment)?;
    }
    Ok(payments.last().map(|payment| payment.id.to_string()))
}
