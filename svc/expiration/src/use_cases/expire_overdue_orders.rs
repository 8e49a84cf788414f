use db::Tx;
use values::Timestamp;

use super::expire_order::expire_order;
use crate::store;

/// Limits the orders that one transaction expires, so that other writes wait for milliseconds only.
pub(crate) const MAX_EXPIRED: u32 = 200;

/// Expires up to [`MAX_EXPIRED`] pending orders whose deadline has passed. Returns their number.
pub(crate) fn expire_overdue_orders(tx: &Tx, now: Timestamp) -> Result<usize, db::Error> {
    let overdue = store::overdue_timers(tx, now, MAX_EXPIRED)?;
    let count = overdue.len();
    for timer in overdue {
        expire_order(tx, now, timer)?.ok();
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use events::{CancelReason, OrderStatus};

    use super::*;
    use crate::test_support::{NOON, TestDb, next_version, order};

    #[tokio::test]
    async fn the_sweep_expires_in_batches_and_ignores_stopped_timers() {
        let db = TestDb::new();
        let cancelled = order();
        db.track_order(NOON, &cancelled).await;
        db.track_order(
            NOON,
            &next_version(&cancelled, OrderStatus::Cancelled, Some(CancelReason::User)),
        )
        .await;
        let orders: Vec<_> = (0..=MAX_EXPIRED).map(|_| order()).collect();
        for order in &orders {
            db.track_order(NOON, order).await;
        }
        let due = orders[0].expires_at;
        assert_eq!(
            [
                db.expire_overdue_orders(due).await,
                db.expire_overdue_orders(due).await,
                db.expire_overdue_orders(due).await
            ],
            [200, 1, 0]
        );
        let mut expired: Vec<_> = db
            .published_expirations()
            .await
            .into_iter()
            .map(|(order, _)| order)
            .collect();
        expired.sort();
        assert_eq!(expired, orders.iter().map(|order| order.id).collect::<Vec<_>>());
    }
}
