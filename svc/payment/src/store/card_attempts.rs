//! The attempts to pay that count for the limits on cards.

use db::Tx;
use rusqlite::{Connection, Params};
use values::{OrderId, PaymentId, Timestamp, UserId};

use crate::domain::Attempt;

/// Returns the attempts to pay an order that started since `since`, oldest first. Free payments do not count.
pub(crate) fn attempts_of_order(
    conn: &Connection,
    order: OrderId,
    since: PaymentId,
    now: Timestamp,
) -> Result<Vec<Attempt>, db::Error> {
    attempts(conn, "order_id = ?1", (order, since, now))
}

/// Returns the attempts of a buyer that started since `since`, oldest first. Free payments do not count.
pub(crate) fn attempts_of_buyer(
    conn: &Connection,
    buyer: UserId,
    since: PaymentId,
    now: Timestamp,
) -> Result<Vec<Attempt>, db::Error> {
    attempts(conn, "buyer_id = ?1", (buyer, since, now))
}

/// The ids have the time, so the indexes of the buyer and of the order find the rows. What a clock that was set back left
/// in the future does not count.
fn attempts(conn: &Connection, condition: &str, params: impl Params) -> Result<Vec<Attempt>, db::Error> {
    let mut found = conn.prepare_cached(&sql(condition))?;
    let attempts = found.query_map(params, |row| {
        Ok(Attempt {
            started_at: row.get(0)?,
            declines: row.get(1)?,
        })
    })?;
    Ok(attempts.collect::<Result<_, _>>()?)
}

fn sql(condition: &str) -> String {
    format!(
        "SELECT created_at, declines FROM payment
         WHERE {condition} AND id >= ?2 AND created_at <= ?3 AND amount > 0 ORDER BY id"
    )
}

/// Stores a declined charge of a payment; returns whether it is new.
pub(crate) fn insert_declined_charge(tx: &Tx, id: &str, payment: PaymentId) -> Result<bool, db::Error> {
    let inserted = tx
        .prepare_cached("INSERT INTO declined_charge (id, payment_id) VALUES (?, ?) ON CONFLICT DO NOTHING")?
        .execute((id, payment))?;
    Ok(inserted > 0)
}

#[cfg(test)]
mod tests {
    use chassis::Service;
    use db::Db;

    use super::*;
    use crate::Payments;

    #[tokio::test]
    async fn the_attempts_of_the_last_hour_are_found_by_an_index() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&folder.path().join("payment.db"), &Payments::SCHEMA).unwrap();
        let plans = db.read(|conn| {
            let plan = |condition| db::query_plan(conn, &sql(condition));
            Ok::<_, db::Error>([plan("order_id = ?1")?, plan("buyer_id = ?1")?])
        });
        let [order, buyer] = plans.await.unwrap();
        // An order has few attempts, all of them in its own index.
        assert!(
            order[0].starts_with("SEARCH payment USING INDEX payment_by_order (order_id=?"),
            "{order:?}"
        );
        assert_eq!(
            buyer,
            ["SEARCH payment USING INDEX payment_by_buyer (buyer_id=? AND id>?)"]
        );
    }
}
