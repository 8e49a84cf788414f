use bus::{DelayLadder, outbox};
use db::Tx;
use events::Event;
use values::{OrderId, Timestamp};

use crate::{
    NAME, store,
    timer::{NotNow, Timer},
};

/// How many overdue timers one transaction expires at most, so that others wait only milliseconds for the writer.
pub(crate) const BATCH: u32 = 100;

/// A timer has dropped out of the ladder: its order expires, or its next rung is found. What is due is read from the
/// database; the message may be older.
///
/// An order that is not known here is no error. Its `order.created`, or its state announced again after a restore, is
/// still to come and starts a timer of its own.
pub(crate) fn ring(tx: &Tx, now: Timestamp, order: OrderId, delay_ladder: &DelayLadder) -> Result<(), db::Error> {
    let Some(timer) = store::find(tx, order)? else {
        tracing::debug!(%order, "a timer of an unknown order");
        return Ok(());
    };
    let (message, deadline) = (timer.message(), timer.deadline);
    match expire(tx, now, timer)? {
        Err(NotNow::Early) => outbox::append_timer(tx, NAME, now, message, deadline, delay_ladder),
        Ok(()) | Err(NotNow::Over) => Ok(()),
    }
}

/// Expires up to [`BATCH`] of the timers that are pending though their deadline has passed, and says how many.
pub(crate) fn expire_overdue(tx: &Tx, now: Timestamp) -> Result<usize, db::Error> {
    let overdue = store::overdue(tx, now, BATCH)?;
    let count = overdue.len();
    for timer in overdue {
        expire(tx, now, timer)?.ok();
    }
    Ok(count)
}

/// The one place where an order's time ends: the row decides, so that whoever comes second says nothing.
fn expire(tx: &Tx, now: Timestamp, mut timer: Timer) -> Result<Result<(), NotNow>, db::Error> {
    let expiration = match timer.expire(now) {
        Ok(expiration) => expiration,
        Err(not_now) => return Ok(Err(not_now)),
    };
    store::save(tx, &timer)?;
    outbox::append(tx, NAME, now, Event::ExpirationCompleted(expiration))?;
    tracing::debug!(order = %timer.order_id, deadline = %timer.deadline, "expired");
    Ok(Ok(()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use events::{CancelReason, Order, OrderStatus};

    use super::*;
    use crate::{
        desk::Desk,
        timer::tests::{NOON, order, then},
    };

    #[tokio::test]
    async fn a_timer_that_drops_out_early_takes_the_next_rung() {
        let (desk, order) = (Desk::new(), order());
        desk.hear(NOON, &order).await;
        desk.ring(order.expires_at - Duration::from_secs(75), order.id).await;
        desk.ring(order.expires_at - Duration::from_millis(15_001), order.id)
            .await;
        desk.ring(order.expires_at - Duration::from_millis(1), order.id).await;
        let rode: Vec<_> = desk
            .outbox()
            .await
            .into_iter()
            .map(|(destination, _)| destination)
            .collect();
        assert_eq!(rode, ["delay.900000", "delay.60000", "delay.10000", "delay.1000"]);
        assert!(desk.announced().await.is_empty());
    }

    #[tokio::test]
    async fn the_ladder_and_the_sweep_say_it_once() {
        let (desk, order) = (Desk::new(), order());
        desk.hear(NOON, &order).await;
        assert_eq!(desk.sweep(order.expires_at - Duration::from_millis(1)).await, 0);
        for _ in 0..3 {
            desk.ring(order.expires_at, order.id).await;
            desk.sweep(order.expires_at).await;
        }
        assert_eq!(desk.announced().await, [(order.id, order.expires_at)]);
        assert_eq!(desk.findings(), [""; 0]);
    }

    #[tokio::test]
    async fn a_timer_of_an_unknown_order_is_no_error_and_loses_nothing() {
        let (desk, order) = (Desk::new(), order());
        desk.ring(order.expires_at, order.id).await;
        assert!(desk.outbox().await.is_empty());
        desk.hear(order.expires_at, &order).await;
        assert!(matches!(&desk.outbox().await[..], [(rung, Event::ExpirationTimer(_))] if rung == "delay.1000"));
    }

    #[tokio::test]
    async fn the_deadline_is_that_of_the_database_and_not_of_the_message() {
        let (desk, order) = (Desk::new(), order());
        desk.hear(NOON, &order).await;
        let later = order.expires_at + Duration::from_mins(5);
        desk.hear(
            NOON,
            &Order {
                expires_at: later,
                ..then(&order, OrderStatus::Created, None)
            },
        )
        .await;
        desk.ring(order.expires_at, order.id).await;
        assert!(desk.announced().await.is_empty());
        desk.ring(later, order.id).await;
        assert_eq!(desk.announced().await, [(order.id, later)]);
    }

    #[tokio::test]
    async fn the_sweep_goes_in_batches_and_leaves_what_was_stopped() {
        let desk = Desk::new();
        let cancelled = order();
        desk.hear(NOON, &cancelled).await;
        desk.hear(
            NOON,
            &then(&cancelled, OrderStatus::Cancelled, Some(CancelReason::User)),
        )
        .await;
        let orders: Vec<_> = (0..=BATCH).map(|_| order()).collect();
        for order in &orders {
            desk.hear(NOON, order).await;
        }
        let due = orders[0].expires_at;
        assert_eq!(
            [desk.sweep(due).await, desk.sweep(due).await, desk.sweep(due).await],
            [100, 1, 0]
        );
        let mut announced: Vec<_> = desk.announced().await.into_iter().map(|(order, _)| order).collect();
        announced.sort();
        assert_eq!(announced, orders.iter().map(|order| order.id).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn check_finds_what_should_not_be_announced() {
        let (desk, order) = (Desk::new(), order());
        desk.hear(NOON, &order).await;
        desk.ring(order.expires_at, order.id).await;
        let meddle =
            "UPDATE outbox SET body = json_set(body, '$.subject', 'nobody', '$.time', '2001-01-01T00:00:00.000Z')
                      WHERE destination = 'events'";
        desk.db
            .write(move |tx| -> Result<_, db::Error> { Ok(tx.execute(meddle, [])?) })
            .await
            .unwrap();
        let findings = desk.findings();
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
