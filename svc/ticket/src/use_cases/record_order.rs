use db::Tx;
use values::Timestamp;

use super::follow_order::follow_order;
use crate::{
    domain::{Codes, ListingOrder},
    store,
};

/// The number of admissions that are issued or changed at once: those of nearly every order. A job continues.
const STEP: u32 = 50;

/// Stores the newest state of an order, from which the stock of its listing is derived, and which its seller sees, and issues its
/// admissions, or makes them void. Late and repeated states change nothing.
pub(crate) fn record_order(tx: &Tx, now: Timestamp, codes: &Codes, order: &events::Order) -> Result<(), db::Error> {
    store::upsert_order(tx, order)?;
    store::upsert_listing_order(tx, order.ticket_id, order.version, &ListingOrder::published(order))?;
    follow_order(tx, now, codes, order.id, STEP)?;
    Ok(())
}
