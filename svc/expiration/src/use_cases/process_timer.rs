use bus::DelayLadder;
use db::Tx;
use events::Timer as TimerMessage;
use values::Timestamp;

use super::expire_overdue_orders::expire_overdue_orders;
use crate::{domain::second_of, events::send_timer, store};

/// Processes a timer message: expires all overdue orders, up to [`MAX_EXPIRED`], and sends the message again for the orders of
/// its second that are not due yet. Returns the number of expired orders.
///
/// The deadlines are read from the database, because the message may be older, and orders of one second share it. A message
/// for orders that are unknown is ignored: their events, when they arrive, send a message of their own.
///
/// [`MAX_EXPIRED`]: super::MAX_EXPIRED
pub(crate) fn process_timer(
    tx: &Tx,
    now: Timestamp,
    message: &TimerMessage,
    delay_ladder: &DelayLadder,
) -> Result<usize, db::Error> {
    let expired = expire_overdue_orders(tx, now)?;
    let (start, end) = second_of(message.deadline);
    // What is overdue and still pending follows without another message.
    if let Some(next) = store::first_pending_between(tx, start.max(now), end, None)? {
        send_timer(tx, now, &next, delay_ladder)?;
    }
    Ok(expired)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use events::{Event, Order, OrderStatus, Timer as TimerMessage};
    use proptest::prelude::*;
    use values::Timestamp;

    use crate::{
        domain::{TimerState, second_of},
        test_support::{NOON, ORDER_WINDOW, TestDb, next_version, order},
    };

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
            ["delay.900000", "delay.60000", "delay.10000", "delay.200"]
        );
        assert!(db.published_expirations().await.is_empty());
    }

    #[tokio::test]
    async fn orders_of_one_second_share_a_message() {
        let (db, first) = (TestDb::new(), order());
        let at = |millis: u64| Order {
            expires_at: first.expires_at + Duration::from_millis(millis),
            ..order()
        };
        // The first one is the last millisecond of its second.
        let next_second: Vec<_> = [300, 1, 1000, 999].map(at).into();
        for order in [&first].into_iter().chain(&next_second) {
            db.track_order(NOON, order).await;
        }
        let deadlines = async || {
            let messages = db.outbox().await.into_iter();
            messages
                .filter_map(|(_, event)| Some(event.as_timer()?.deadline))
                .collect::<Vec<_>>()
        };
        // The second of them is due before the first.
        let with_message = [&first, &next_second[0], &next_second[1]];
        assert_eq!(deadlines().await, with_message.map(|order| order.expires_at));

        db.process_timer(next_second[0].expires_at, next_second[0].id).await;
        assert_eq!(
            db.published_expirations().await.len(),
            3,
            "up to the first of its second"
        );
        assert_eq!(deadlines().await[3..], [next_second[3].expires_at]);
        db.process_timer(next_second[2].expires_at, next_second[3].id).await;
        assert_eq!(db.published_expirations().await.len(), 5);
        assert_eq!(deadlines().await.len(), 4);

        // In a second that is over, the message has arrived already.
        let late = at(500);
        db.track_order(next_second[2].expires_at, &late).await;
        assert_eq!(deadlines().await[4..], [late.expires_at]);
    }

    #[tokio::test]
    async fn the_message_of_a_stopped_order_serves_no_other() {
        let (db, stopped, later) = (TestDb::new(), order(), order());
        db.track_order(NOON, &stopped).await;
        let confirmed = next_version(&stopped, OrderStatus::AwaitingPayment, None);
        db.track_order(NOON, &confirmed).await;
        db.track_order(NOON, &later).await;
        assert_eq!(db.outbox().await.len(), 2);
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
            matches!(&db.outbox().await[..], [(destination, Event::ExpirationTimer(_))] if destination == "delay.200")
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

    /// Delivers the timer messages of the outbox as the delay levels do, up to `until`.
    async fn deliver(
        db: &TestDb,
        waiting: &mut Vec<(Timestamp, TimerMessage)>,
        read: &mut usize,
        from: Timestamp,
        until: Timestamp,
    ) {
        let mut now = from;
        loop {
            let outbox = db.outbox().await;
            for (destination, event) in &outbox[*read..] {
                if let (Some(level), Some(timer)) = (destination.strip_prefix("delay."), event.as_timer()) {
                    waiting.push((now + Duration::from_millis(level.parse().unwrap()), timer.clone()));
                }
            }
            *read = outbox.len();
            waiting.sort_by_key(|(due, _)| std::cmp::Reverse(*due));
            match waiting.pop() {
                Some((due, message)) if due <= until => {
                    now = due;
                    db.process_message(now, message).await;
                }
                other => return waiting.extend(other),
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 200, ..ProptestConfig::default() })]

        #[test]
        fn every_order_expires_in_time_without_the_sweep(
            // When an order is placed, its window, and whether it is stopped after a time.
            orders in prop::collection::vec((0..4000_u64, 500..75_000_u64, prop::option::of(0..80_000_u64)), 1..12)
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let db = TestDb::new();
                let mut changes = Vec::new();
                for (placed, window, stopped) in orders {
                    let placed_at = NOON + Duration::from_millis(placed);
                    let created = Order { expires_at: placed_at + Duration::from_millis(window), ..order() };
                    if let Some(after) = stopped {
                        let ended = next_version(&created, OrderStatus::AwaitingPayment, None);
                        changes.push((placed_at + Duration::from_millis(after), ended));
                    }
                    changes.push((placed_at, created));
                }
                changes.sort_by_key(|(at, order)| (*at, order.version));
                let (mut waiting, mut read, mut now) = (Vec::new(), 0, NOON);
                for (at, order) in changes {
                    deliver(&db, &mut waiting, &mut read, now, at).await;
                    now = at;
                    db.track_order(now, &order).await;
                    let latest = now - Duration::from_millis(250);
                    let late: Vec<_> = db.timers().await.into_iter()
                        .filter(|timer| timer.state() == TimerState::Pending && timer.deadline() < latest)
                        .collect();
                    prop_assert!(late.is_empty(), "{late:?}");
                }
                deliver(&db, &mut waiting, &mut read, now, NOON + ORDER_WINDOW).await;
                prop_assert!(waiting.is_empty());
                prop_assert!(db.timers().await.iter().all(|timer| timer.state() != TimerState::Pending));
                Ok(())
            })?;
        }
    }

    #[test]
    fn a_second_begins_after_its_start_and_includes_its_end() {
        let second = |millis| {
            let (start, end) = second_of(Timestamp::from_millis(millis));
            (start.millis(), end.millis())
        };
        assert_eq!(second(1000), (0, 1000));
        assert_eq!(second(1001), (1000, 2000));
        assert_eq!(second(1999), (1000, 2000));
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
