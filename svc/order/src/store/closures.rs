//! What prevents the deletion of an account, and what is erased with it.

use closures::LONGEST_EVENT;
use db::Tx;
use rusqlite::{Connection, Params};
use values::{Timestamp, UserId};

/// Open orders of a buyer, one of them.
const BOUGHT: &str =
    r#"SELECT 1 FROM "order" WHERE buyer_id = ? AND status IN ('created', 'awaiting:payment') LIMIT 1"#;

/// Orders of a seller that are being paid, one of them.
const CONFIRMED_SALES: &str = r#"SELECT 1 FROM "order" WHERE seller_id = ? AND status = 'awaiting:payment' LIMIT 1"#;

/// Listings of a seller with tickets that are held, one of them.
const HELD: &str = "SELECT 1 FROM listing WHERE seller_id = ? AND held > 0 LIMIT 1";

/// Listings of a seller that are not over, one of them: the event begins after a time, there is no date and tickets are left, or
/// buyers are guaranteed a refund.
const LISTED: &str = "SELECT 1 FROM listing WHERE seller_id = ?1 AND withdrawn_at IS NULL
    AND (starts_at > ?2 OR (starts_at IS NULL AND sold < quantity) OR (refundable_until > ?3 AND sold > 0)) LIMIT 1";

/// Sales of a seller whose buyers are guaranteed a refund, one of them: the listing may guarantee none any more.
const GUARANTEED_SALES: &str = r#"SELECT 1 FROM "order" WHERE seller_id = ? AND status = 'complete'
    AND refundable_until > ? AND claimed_quantity < quantity AND dispute_status IS NOT 'lost' LIMIT 1"#;

/// Refunds that a seller has to decide or that are to be paid, one of them.
const REFUNDS_OF_SALES: &str =
    "SELECT 1 FROM refund WHERE seller_id = ? AND status IN ('requested', 'approved') LIMIT 1";

/// Listings of a seller that are withdrawn and whose sales are being refunded, one of them.
const WITHDRAWALS: &str = "SELECT 1 FROM withdrawal w CROSS JOIN listing l ON l.id = w.ticket_id
    WHERE w.done = 0 AND l.seller_id = ? AND l.sold > 0 LIMIT 1";

/// Refunds of the orders of a buyer that are to be decided or paid, one of them.
const REFUNDS_OF_ORDERS: &str = r#"SELECT 1 FROM refund r INDEXED BY refund_open CROSS JOIN "order" o ON o.id = r.order_id
    WHERE r.status IN ('requested', 'approved') AND o.buyer_id = ? LIMIT 1"#;

/// Whether the user has open orders or unfinished sales.
pub(crate) fn has_open_orders(conn: &Connection, user: UserId) -> Result<bool, db::Error> {
    Ok(exists(conn, BOUGHT, [user])? || exists(conn, CONFIRMED_SALES, [user])? || exists(conn, HELD, [user])?)
}

/// Whether the user has listings that are not over, or sales with a guaranteed refund.
pub(crate) fn has_open_listings(conn: &Connection, user: UserId, now: Timestamp) -> Result<bool, db::Error> {
    Ok(exists(conn, LISTED, (user, now - LONGEST_EVENT, now))? || exists(conn, GUARANTEED_SALES, (user, now))?)
}

/// Whether refunds of the user's orders or sales are neither declined nor paid.
pub(crate) fn has_open_refunds(conn: &Connection, user: UserId) -> Result<bool, db::Error> {
    Ok(exists(conn, REFUNDS_OF_SALES, [user])?
        || exists(conn, WITHDRAWALS, [user])?
        || exists(conn, REFUNDS_OF_ORDERS, [user])?)
}

fn exists(conn: &Connection, sql: &str, parameters: impl Params) -> Result<bool, db::Error> {
    Ok(conn.prepare_cached(sql)?.exists(parameters)?)
}

/// Erases the texts that a user has written: the reasons of refunds.
pub(crate) fn erase_user(tx: &Tx, user: UserId) -> Result<(), db::Error> {
    tx.prepare_cached(
        r#"UPDATE refund SET reason = NULL WHERE asked_by = 'buyer' AND reason IS NOT NULL
           AND order_id IN (SELECT id FROM "order" WHERE buyer_id = ? AND status = 'complete')"#,
    )?
    .execute([user])?;
    tx.prepare_cached(
        "UPDATE refund SET reason = NULL WHERE asked_by <> 'buyer' AND reason IS NOT NULL AND seller_id = ?",
    )?
    .execute([user])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use chassis::Service;

    use super::*;

    #[test]
    fn guaranteed_sales_are_found_by_an_index_of_those_alone() {
        let conn = Tx::in_memory(&crate::Orders::SCHEMA).unwrap();
        let plan = db::query_plan(&conn, GUARANTEED_SALES).unwrap();
        assert_eq!(plan.len(), 1, "{plan:#?}");
        assert!(
            plan[0].contains("order_guaranteed_by_seller (seller_id=? AND refundable_until>?)"),
            "{plan:#?}"
        );
    }
}
