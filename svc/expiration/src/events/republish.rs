use db::Tx;
use values::Timestamp;

use super::publish_expiration;
use crate::store;

/// The number of timers that one transaction reads.
const PAGE_SIZE: u32 = 500;

/// Publishes one page of passed deadlines again, those since `since`, except those of confirmed orders. Returns the position
/// of the next page.
///
/// With them an order service that was restored from a backup ends every expired order. One that is up to date ignores
/// them, because the orders have ended.
pub(crate) fn republish(
    tx: &Tx,
    now: Timestamp,
    since: Option<Timestamp>,
    after: Option<&str>,
) -> Result<Option<String>, db::Error> {
    let timers = store::timers_after(tx, after.unwrap_or_default(), PAGE_SIZE)?;
    let changed = timers.iter().filter(|timer| Some(timer.deadline()) >= since);
    for expiration in changed.filter_map(|timer| timer.republished_expiration(now)) {
        publish_expiration(tx, now, expiration)?;
    }
    Ok(timers.last().map(|timer| timer.order_id().to_string()))
}

#[cfg(test)]
mod tests {
    use events::{CancelReason, OrderStatus};

    use crate::test_support::{NOON, TestDb, next_version, order};

    #[tokio::test]
    async fn every_passed_deadline_of_an_unconfirmed_order_is_republished() {
        let db = TestDb::new();
        let (expired, cancelled, paid) = (order(), order(), order());
        for order in [&expired, &cancelled, &paid] {
            db.track_order(NOON, order).await;
        }
        db.track_order(
            NOON,
            &next_version(&cancelled, OrderStatus::Cancelled, Some(CancelReason::User)),
        )
        .await;
        db.track_order(NOON, &next_version(&paid, OrderStatus::AwaitingPayment, None))
            .await;
        db.process_timer(expired.expires_at, expired.id).await;
        let before = db.published_expirations().await;
        assert_eq!(before.len(), 1);

        db.republish(expired.expires_at).await;
        let mut again = db.published_expirations().await.split_off(before.len());
        again.sort();
        assert_eq!(
            again,
            [(expired.id, expired.expires_at), (cancelled.id, cancelled.expires_at)]
        );
    }

    #[tokio::test]
    async fn many_orders_are_republished_in_pages() {
        let db = TestDb::new();
        let orders: Vec<_> = (0..=super::PAGE_SIZE).map(|_| order()).collect();
        for order in &orders {
            db.track_order(
                NOON,
                &next_version(order, OrderStatus::Cancelled, Some(CancelReason::Expired)),
            )
            .await;
        }
        let later = orders[0].expires_at;
        let rest = db
            .db
            .write(move |tx| super::republish(tx, later, None, None))
            .await
            .unwrap();
        assert_eq!(db.published_expirations().await.len(), 500);
        assert_eq!(rest, Some(orders[499].id.to_string()));
        db.db
            .write(move |tx| super::republish(tx, later, None, rest.as_deref()))
            .await
            .unwrap();
        assert_eq!(db.published_expirations().await.len(), 501);
    }
}
