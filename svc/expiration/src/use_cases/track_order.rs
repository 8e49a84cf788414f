use bus::DelayLadder;
use db::Tx;
use events::Order;
use values::Timestamp;

use crate::{
    domain::{Timer, second_of},
    events::send_timer,
    store,
};

/// Updates the timer of an order to a newer version of the order, and sends a timer message for a new deadline, unless one is
/// under way for another order of the same second.
pub(crate) fn track_order(tx: &Tx, now: Timestamp, order: &Order, delay_ladder: &DelayLadder) -> Result<(), db::Error> {
    let previous = store::find_timer(tx, order.id)?;
    let Some(timer) = Timer::track(previous.as_ref(), order) else {
        return Ok(());
    };
    store::save_timer(tx, &timer)?;
    tx.announce_row(&order.id);
    if timer.needs_message(previous.as_ref()) && !shares_message(tx, now, &timer)? {
        send_timer(tx, now, &timer, delay_ladder)?;
    }
    Ok(())
}

/// Whether a message is under way for another pending timer of the same second, and arrives in time. For a timer that is overdue
/// it may have arrived already.
fn shares_message(tx: &Tx, now: Timestamp, timer: &Timer) -> Result<bool, db::Error> {
    let deadline = timer.deadline();
    let (start, _) = second_of(deadline);
    Ok(store::first_pending_between(tx, start.max(now), deadline, Some(timer.order_id()))?.is_some())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use events::OrderStatus;

    use super::*;
    use crate::test_support::{NOON, TestDb, next_version, order};

    #[tokio::test]
    async fn each_deadline_has_one_timer_message() {
        let (db, order) = (TestDb::new(), order());
        let later = Order {
            expires_at: order.expires_at + Duration::from_mins(5),
            ..next_version(&order, OrderStatus::Created, None)
        };
        let confirmed = next_version(&later, OrderStatus::AwaitingPayment, None);
        for order in [&order, &order, &later, &order, &later, &confirmed, &order] {
            db.track_order(NOON, order).await;
        }
        let messages = db.outbox().await.into_iter();
        let deadlines: Vec<_> = messages.map(|(_, event)| event.as_timer().unwrap().deadline).collect();
        assert_eq!(deadlines, [order.expires_at, later.expires_at]);
    }
}
