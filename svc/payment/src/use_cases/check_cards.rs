use rusqlite::Connection;
use values::Timestamp;

use crate::{
    domain::{CardLimits, LimitScope, Payment, TooManyCards, check_attempts, first_counted_id},
    store,
};

/// Checks whether the buyer of a payment may try another card. Without limits nothing is read.
pub(super) fn check_cards(
    conn: &Connection,
    now: Timestamp,
    limits: CardLimits,
    payment: &Payment,
) -> Result<Result<(), TooManyCards>, db::Error> {
    let (order, buyer) = (payment.order_id(), payment.buyer_id());
    let since = first_counted_id(now);
    if limits.per_order > 0 {
        let attempts = store::attempts_of_order(conn, order, since, now)?;
        if let Err(error) = check_attempts(LimitScope::Order, limits.per_order, &attempts, now) {
            return Ok(Err(error));
        }
    }
    if limits.per_buyer > 0 {
        let attempts = store::attempts_of_buyer(conn, buyer, since, now)?;
        return Ok(check_attempts(LimitScope::Buyer, limits.per_buyer, &attempts, now));
    }
    Ok(Ok(()))
}
