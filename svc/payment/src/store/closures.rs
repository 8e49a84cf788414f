//! What prevents the deletion of an account, and what is erased with it.

use db::Tx;
use rusqlite::{Connection, Params};
use values::UserId;

/// Payments of a buyer that are neither captured nor over, one of them.
const OPEN_PAYMENTS: &str = "SELECT 1 FROM payment WHERE buyer_id = ? AND status IN
    ('started', 'requires-payment-method', 'requires-action', 'authorized', 'capturing', 'voiding') LIMIT 1";

/// Refunds to a buyer that Stripe has not paid, one of them.
const OPEN_REFUNDS: &str = "SELECT 1 FROM refund r INDEXED BY refund_open CROSS JOIN payment p ON p.id = r.payment_id
    WHERE r.state IN ('asked', 'pending') AND p.buyer_id = ? LIMIT 1";

/// Disputes of a buyer's or a seller's payments that are not decided, one of them.
const OPEN_DISPUTES: &str = "SELECT 1 FROM dispute d CROSS JOIN payment p ON p.id = d.payment_id
    CROSS JOIN bill b ON b.order_id = p.order_id
    WHERE d.status IN ('inquiry', 'open') AND (p.buyer_id = ?1 OR b.seller_id = ?1) LIMIT 1";

/// Currencies in which money is held for a seller, or the share of the seller is not what was paid out, one of them.
const OPEN_BALANCES: &str = "SELECT 1 FROM seller_balance b WHERE b.seller_id = ?1 AND (b.held <> 0 OR b.seller <>
    (SELECT coalesce(sum(p.amount), 0) FROM payout p WHERE p.seller_id = b.seller_id AND p.currency = b.currency)) LIMIT 1";

/// Whether the user has payments that are neither captured nor over.
pub(crate) fn has_open_payments(conn: &Connection, user: UserId) -> Result<bool, db::Error> {
    exists(conn, OPEN_PAYMENTS, [user])
}

/// Whether the user waits for a refund.
pub(crate) fn has_open_refunds(conn: &Connection, user: UserId) -> Result<bool, db::Error> {
    exists(conn, OPEN_REFUNDS, [user])
}

/// Whether a payment of the user, or for a sale of the user, is disputed.
pub(crate) fn has_open_disputes(conn: &Connection, user: UserId) -> Result<bool, db::Error> {
    exists(conn, OPEN_DISPUTES, [user])
}

/// Whether money is owed to the user or by the user.
pub(crate) fn has_open_balance(conn: &Connection, user: UserId) -> Result<bool, db::Error> {
    exists(conn, OPEN_BALANCES, [user])
}

fn exists(conn: &Connection, sql: &str, parameters: impl Params) -> Result<bool, db::Error> {
    Ok(conn.prepare_cached(sql)?.exists(parameters)?)
}

/// Erases where the browser of a buyer returned to. The ids of Stripe stay with the amounts, in the books.
pub(crate) fn erase_user(tx: &Tx, user: UserId) -> Result<(), db::Error> {
    tx.prepare_cached("UPDATE payment SET return_url = NULL WHERE buyer_id = ? AND return_url IS NOT NULL")?
        .execute([user])?;
    Ok(())
}
