use db::Tx;

use crate::store;

/// Stores the newest state of an order. The stock of its listing is derived from that, so the order and the number of times
/// in which states arrive make no difference.
pub(crate) fn record_order(tx: &Tx, order: &events::Order) -> Result<(), db::Error> {
    store::upsert_order(tx, order)
}
