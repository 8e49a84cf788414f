use bus::DelayLadder;
use db::Tx;
use values::{OrderId, Timestamp};

use super::expire_order::expire_order;
use crate::{domain::CannotExpire, events::send_timer, store};

/// Processes a timer message: expires the order, or sends the message again if it arrives before the deadline.
///
/// The deadline is read from the database, because the message may be older. A message for an unknown order is ignored:
/// the events of that order, when they arrive, send a message of their own.
pub(crate) fn process_timer(
    tx: &Tx,
    now: Timestamp,
    order: OrderId,
    delay_ladder: &DelayLadder,
) -> Result<(), db::Error> {
    let Some(timer) = store::find_timer(tx, order)? else {
        tracing::debug!(%order, "timer message of an unknown order ignored");
        return Ok(());
    };
    match expire_order(tx, now, timer.clone())? {
        Err(CannotExpire::BeforeDeadline) => send_timer(tx, now, &timer, delay_ladder),
        Ok(()) | Err(CannotExpire::NotPending) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use events::{Event, Order, OrderStatus};

    use crate::test_support::{NOON, TestDb, next_version, order};

    #[tokio::test]
    async fn an_early_timer_message_takes_the_next_delay_level() {
        let (db, order) = (TestDb::new(), order());
        db.track_order(NOON, &order).await;
        db.process_timer(order.expires_at - Duration::from_secs(75), order.id)
            .await;
        db.process_timer(order.expires_at - Duration::from_millis(15_001), order.id)
            .await;
        db.process_timer(order.expires_at - Duration::from_millis(1), order.id)
            .await;
        let destinations: Vec<_> = db
            .outbox()
            .await
            .into_iter()
            .map(|(destination, _)| destination)
            .collect();
        assert_eq!(
            destinations,
            ["delay.900000", "delay.60000", "delay.10000", "delay.1000"]
        );
        assert!(db.published_expirations().await.is_empty());
    }

    #[tokio::test]
    async fn timers_and_sweep_publish_one_expiration() {
        let (db, order) = (TestDb::new(), order());
        db.track_order(NOON, &order).await;
        assert_eq!(
            db.expire_overdue_orders(order.expires_at - Duration::from_millis(1))
                .await,
            0
        );
        for _ in 0..3 {
            db.process_timer(order.expires_at, order.id).await;
            db.expire_overdue_orders(order.expires_at).await;
        }
        assert_eq!(db.published_expirations().await, [(order.id, order.expires_at)]);
        assert_eq!(db.findings(), [""; 0]);
    }

    #[tokio::test]
    async fn a_timer_message_of_an_unknown_order_is_ignored() {
        let (db, order) = (TestDb::new(), order());
        db.process_timer(order.expires_at, order.id).await;
        assert!(db.outbox().await.is_empty());
        db.track_order(order.expires_at, &order).await;
        assert!(
            matches!(&db.outbox().await[..], [(destination, Event::ExpirationTimer(_))] if destination == "delay.1000")
        );
    }

    #[tokio::test]
    async fn the_deadline_in_the_database_decides() {
        let (db, order) = (TestDb::new(), order());
        db.track_order(NOON, &order).await;
        let later = order.expires_at + Duration::from_mins(5);
        db.track_order(
            NOON,
            &Order {
                expires_at: later,
                ..next_version(&order, OrderStatus::Created, None)
            },
        )
        .await;
        db.process_timer(order.expires_at, order.id).await;
        assert!(db.published_expirations().await.is_empty());
        db.process_timer(later, order.id).await;
        assert_eq!(db.published_expirations().await, [(order.id, later)]);
    }

    #[tokio::test]
    async fn check_finds_expirations_that_violate_the_invariants() {
        let (db, order) = (TestDb::new(), order());
        db.track_order(NOON, &order).await;
        db.process_timer(order.expires_at, order.id).await;
        let tamper =
            "UPDATE outbox SET body = json_set(body, '$.subject', 'unknown', '$.time', '2001-01-01T00:00:00.000Z')
                      WHERE destination = 'events'";
        db.db
            .write(move |tx| -> Result<_, db::Error> { Ok(tx.execute(tamper, [])?) })
            .await
            .unwrap();
        let findings = db.findings();
        assert!(
            findings[0].starts_with("no deadline is announced before it has passed: "),
            "{findings:?}"
        );
        assert!(
            findings[1].starts_with("no order waits for a deadline that was announced: "),
            "{findings:?}"
        );
        assert_eq!(findings.len(), 2);
    }
}
