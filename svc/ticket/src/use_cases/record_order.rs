use db::Tx;

use crate::store;

/// Stores the newest state of an order, from which the stock of its listing is derived. Late and repeated states change
/// nothing.
pub(crate) fn record_order(tx: &Tx, order: &events::Order) -> Result<(), db::Error> {
    store::upsert_order(tx, order)
}
