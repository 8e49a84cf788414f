use db::Tx;
use values::Timestamp;

use super::decide_closure::CLOSURE_POLICY;
use crate::store;

/// Stores the newest state of an account, whose name is on its tickets, and decides about its deletion. Late and repeated
/// states change nothing.
pub(crate) fn record_account(tx: &Tx, now: Timestamp, account: &events::Account) -> Result<(), db::Error> {
    store::upsert_account(tx, account)?;
    CLOSURE_POLICY.apply(tx, now, account)
}
